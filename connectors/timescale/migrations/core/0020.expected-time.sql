-- When an estimated, planned or requested milestone is to happen; `time` is when that was said.
ALTER TABLE port.vessel_milestone ADD COLUMN expected_time timestamptz;
