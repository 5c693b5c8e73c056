ask() { curl -sS -u "freshet:$KEY" -H 'content-type: application/vnd.schemaregistry.v1+json' "$@"; echo; }

# One subject is stricter than the others.
ask -X PUT "$FRESHET/config/orders-value" -d '{"compatibility": "FULL_TRANSITIVE"}'
ask "$FRESHET/config/orders-value"
ask "$FRESHET/config"

# Nobody registers while the owners look at it.
ask -X PUT "$FRESHET/mode/orders-value" -d '{"mode": "READONLY"}'
ask -X DELETE "$FRESHET/mode/orders-value"

# Hidden first, gone when asked again.
ask -X DELETE "$FRESHET/subjects/orders-value"
ask -X DELETE "$FRESHET/subjects/orders-value?permanent=true"
