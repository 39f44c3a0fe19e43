"""Tests of the shell: web, queue and database with real parts."""
