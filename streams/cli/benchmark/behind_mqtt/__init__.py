"""Two that store and forward behind the same MQTT broker: the gateway, and Telegraf with its disk buffer.

`python -m streams.cli.benchmark.behind_mqtt --help`. How fast, and what is lost or doubled when they are killed while Kafka is away.
"""
