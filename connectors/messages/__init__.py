"""What the readers of trade messages have in common: what they give, who the partner is, records. No decoding here."""
