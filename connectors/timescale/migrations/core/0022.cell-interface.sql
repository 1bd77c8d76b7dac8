-- Which interface a measurement report came over (e2, ts28552): the unit of some counters depends on it.
ALTER TABLE port.cell_measurement ADD COLUMN interface text;
