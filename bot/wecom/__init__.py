"""The WeCom (企业微信) client: callbacks, archive and API read into typed values, knowing nothing of the product."""
