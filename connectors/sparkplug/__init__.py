"""Sparkplug B 3.0 (ISO/IEC 20237) over MQTT: births, data and deaths of edge nodes and their devices."""
