"""OPC UA PubSub with JSON over MQTT (OPC 10000-14, 7.2.5): data sets of writers, whole or as changes."""
