"""Which lost moves the radio caused: cycles of cranes and trips of vehicles, their radio, and what good radio does. Pure.

`day.attribute` is the way in; docs/how-to/radio-attribution.md says the method in plain words.
"""
