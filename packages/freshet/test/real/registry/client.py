"""Runs Confluent's Python client against a registry, one command per line of JSON on standard input."""
import base64
import json
import sys

from confluent_kafka.schema_registry import (
    ConfigCompatibilityLevel,
    Schema,
    SchemaRegistryClient,
    ServerConfig,
)
from confluent_kafka.schema_registry.avro import AvroDeserializer, AvroSerializer
from confluent_kafka.schema_registry.error import SchemaRegistryError
from confluent_kafka.schema_registry.json_schema import JSONDeserializer, JSONSerializer
from confluent_kafka.schema_registry.protobuf import ProtobufDeserializer, ProtobufSerializer
from confluent_kafka.serialization import MessageField, SerializationContext
from google.protobuf import descriptor_pool, json_format, message_factory

url, user_info = sys.argv[1], sys.argv[2]
client = SchemaRegistryClient({"url": url, "basic.auth.user.info": user_info})


def context(topic):
    return SerializationContext(topic, MessageField.VALUE)


def message_class(files, name):
    """A class from descriptors in base64, those that are imported first."""
    pool = descriptor_pool.DescriptorPool()
    for text in files:
        pool.AddSerializedFile(base64.b64decode(text))
    return message_factory.GetMessageClass(pool.FindMessageTypeByName(name))


def serialize(command):
    topic, value, kind = command["topic"], command["value"], command["type"]
    if kind == "AVRO":
        made = AvroSerializer(client, command["schema"])(value, context(topic))
    elif kind == "JSON":
        made = JSONSerializer(command["schema"], client)(value, context(topic))
    else:
        cls = message_class(command["files"], command["name"])
        message = json_format.ParseDict(value, cls())
        serializer = ProtobufSerializer(cls, client, {"use.deprecated.format": False})
        made = serializer(message, context(topic))
    return base64.b64encode(made).decode()


def deserialize(command):
    topic, kind = command["topic"], command["type"]
    data = base64.b64decode(command["bytes"])
    if kind == "AVRO":
        return AvroDeserializer(client)(data, context(topic))
    if kind == "JSON":
        return JSONDeserializer(None, schema_registry_client=client)(data, context(topic))
    cls = message_class(command["files"], command["name"])
    deserializer = ProtobufDeserializer(cls, {"use.deprecated.format": False}, client)
    message = deserializer(data, context(topic))
    return json_format.MessageToDict(message, preserving_proto_field_name=True)


def manage(command):
    """Every call of the client that asks the registry something, over one subject."""
    subject, first, second = command["subject"], command["first"], command["second"]
    one, other = Schema(first, "AVRO"), Schema(second, "AVRO")
    said = {"types": sorted(client.get_schema_types())}
    said["id"] = client.register_schema(subject, one)
    full = client.register_schema_full_response(subject, other)
    said["second"] = [full.schema_id, full.version]
    said["schema"] = client.get_schema(said["id"]).schema_str
    said["byGuid"] = client.get_schema_by_guid(client.get_latest_version(subject).guid).schema_str
    said["lookup"] = client.lookup_schema(subject, other).version
    said["latest"] = client.get_latest_version(subject).version
    said["first"] = client.get_version(subject, 1).schema_id
    said["versions"] = client.get_versions(subject)
    said["subjects"] = subject in client.get_subjects()
    said["subjectsOfId"] = client.get_subjects_by_schema_id(said["id"])
    said["versionsOfId"] = [[v.subject, v.version] for v in client.get_schema_versions(said["id"])]
    said["compatible"] = client.test_compatibility(subject, one)
    said["allCompatible"] = client.test_compatibility_all_versions(subject, one)
    said["global"] = client.get_compatibility()
    client.set_compatibility(subject, "FULL")
    said["own"] = client.get_compatibility(subject)
    client.set_config(subject, ServerConfig(compatibility=ConfigCompatibilityLevel.NONE))
    said["config"] = client.get_config(subject).compatibility_level.value
    client.delete_config(subject)
    client.update_mode(subject, "READONLY")
    said["mode"] = client.get_mode(subject)
    try:
        client.register_schema(subject, Schema('"string"', "AVRO"))
    except SchemaRegistryError as error:
        said["readOnly"] = [error.http_status_code, error.error_code]
    client.delete_mode(subject)
    try:
        client.register_schema(subject, Schema('"string"', "AVRO"))
    except SchemaRegistryError as error:
        said["incompatible"] = [error.http_status_code, error.error_code]
    said["globalMode"] = client.get_global_mode()
    said["contexts"] = client.get_contexts()
    said["deletedVersion"] = client.delete_version(subject, 1)
    said["hidden"] = client.delete_subject(subject)
    said["deleted"] = client.delete_subject(subject, permanent=True)
    try:
        client.get_versions(subject)
    except SchemaRegistryError as error:
        said["gone"] = [error.http_status_code, error.error_code]
    return said


commands = {
    "serialize": serialize,
    "deserialize": deserialize,
    "manage": manage,
}
for line in sys.stdin:
    command = json.loads(line)
    try:
        answer = {"answer": commands[command["do"]](command)}
    except Exception as error:  # The test shows it.
        answer = {"error": f"{type(error).__name__}: {error}"}
    print(json.dumps(answer), flush=True)
