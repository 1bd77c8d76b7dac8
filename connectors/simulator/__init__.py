"""The deterministic port: cranes, gates, cells, devices, boxes and ships; faults on request, and the truth about it.

`Simulation(options).records()` is the way in; README.md says what is where.
"""

from connectors.simulator.options import FAULTS, SimulationOptions, parse_faults
from connectors.simulator.simulation import SimRecord, Simulation

__all__ = ["FAULTS", "SimRecord", "Simulation", "SimulationOptions", "parse_faults"]
