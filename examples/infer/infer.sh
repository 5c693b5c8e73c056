# DATA is the data folder of a server, which may run.

# What came, how it differs from the plan, and who sends what the plan refuses.
freshet infer --data "$DATA"

# The contract of one event, ready to paste into a plan.
freshet infer --data "$DATA" "Order Completed" --format ts

# Avro schemas of the last week's events, in a file.
freshet infer --data "$DATA" --since 7d --out contracts.avsc

# Does live traffic keep the plan? Exits with 1 if not: for a pipeline, before a plan is put in force.
freshet infer --data "$DATA" --since 24h --config freshet.config.ts --check
