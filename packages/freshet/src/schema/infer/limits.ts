/** What a summary of traffic keeps, and from when on it says what it saw. */
export const inferLimits = {
  /** Event names that are told apart. A tracking plan has some hundred; past that, names carry ids. */
  namesMax: 200,
  /** Places in the events of one name: properties, and what is inside of them. Real events have some dozen. */
  placesMax: 500,
  /** Length of a property's name that is looked at. Longer ones are data, not names. */
  nameCharsMax: 128,
  /** Levels below an event that are looked into: as deep as an event may be. */
  depthMax: 32,
  /** Sources and libraries that are remembered for one kind of value in one place: a conflict has one or two. */
  originsMax: 6,
  /** Length of the name of a source with its library. */
  originCharsMax: 100,
  /** Different texts of one place that are remembered; more are no enumeration. */
  valuesMax: 12,
  /** Length of a text that can be one of an enumeration. */
  valueCharsMax: 40,
  /** Values seen before texts are taken for an enumeration: each of at most twelve came many times then. */
  enumerationMin: 200,
  /** How often each of its texts came at least: one that is seldom means that others may be unseen. */
  repetitionsMin: 10,
  /** Profiles behind everything that is shown of values: less could be about one person. */
  profilesMin: 5,
  /** Texts seen before a format that all of them have is proposed. */
  formatMin: 20,
  /** Different keys past which an object without a common one is taken for a map. */
  mapKeysMin: 20,
  /** Different properties of an event past which those that are seldom are taken for data. */
  propertiesMax: 100,
  /** Share of events below which a property is seldom. */
  seldomShare: 0.01,
  /** Events of one name that a proposal is tried on. */
  sampleMax: 100,
  /** Size of each of them as JSON; larger ones are summed up like all others, and not tried. */
  sampleCharsMax: 4096,
  /** Events of a name below which its rates say little. */
  fewEvents: 20,
} as const;
