# FRESHET is the address of the server, KEY its secret key.
ask() { curl -sS -u "freshet:$KEY" -H 'content-type: application/vnd.schemaregistry.v1+json' "$@"; echo; }

# A first version, and its id.
ask "$FRESHET/subjects/orders-value/versions" -d '{"schema":
  "{\"type\":\"record\",\"name\":\"Order\",\"fields\":[{\"name\":\"id\",\"type\":\"string\"}]}"}'

# May this be the next one? Not without a default: old orders have no price.
ask "$FRESHET/compatibility/subjects/orders-value/versions/latest?verbose=true" -d '{"schema":
  "{\"type\":\"record\",\"name\":\"Order\",\"fields\":[{\"name\":\"id\",\"type\":\"string\"},{\"name\":\"price\",\"type\":\"double\"}]}"}'

# With one it may.
ask "$FRESHET/subjects/orders-value/versions" -d '{"schema":
  "{\"type\":\"record\",\"name\":\"Order\",\"fields\":[{\"name\":\"id\",\"type\":\"string\"},{\"name\":\"price\",\"type\":\"double\",\"default\":0}]}"}'

ask "$FRESHET/subjects/orders-value/versions"
ask "$FRESHET/subjects/orders-value/versions/latest"
