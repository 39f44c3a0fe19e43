"""The gateway: quotas, circuit breakers and counts for every call to WeCom. The calls themselves are in wecom."""
