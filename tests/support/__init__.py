"""Set-ups that several tests share; no tests here."""
