"""What the decoders of network data have in common: what they give, numbers, subjects, records. No decoding here."""
