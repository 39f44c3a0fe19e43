"""Parts that several tests ask for; no tests here."""
