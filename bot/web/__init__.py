"""Everything a browser or WeCom asks of us over HTTP."""
