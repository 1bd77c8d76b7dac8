"""MQTT 5 and 3.1.1: a persistent session whose messages are acknowledged when the spool has them."""
