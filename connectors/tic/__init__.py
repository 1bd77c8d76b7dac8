"""TIC4.0 and PAS 4000 JSON and flat messages to crane events, and back, by the rules of their grammar."""
