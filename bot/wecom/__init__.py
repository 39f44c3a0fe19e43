"""WeCom (企业微信) as it is: callbacks, archive and API, each turned into typed values."""
