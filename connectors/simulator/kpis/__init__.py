"""What KPIs a scenario must give: worked out by the formula in words, from what was done. No SQL, no fold, no worker."""
