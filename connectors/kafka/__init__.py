"""Apache Kafka: who may connect and how (options), sending (producer), the topics, and the dead-letter relay."""
