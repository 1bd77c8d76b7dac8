-- Which numbers of an open gap are known as dead letters is asked every few seconds for every gap.
CREATE INDEX dead_letter_stream ON ingest.dead_letter (source, bootid, subject, type, sequence) WHERE sequence IS NOT NULL;
