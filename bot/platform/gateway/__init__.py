"""The gateway: every call to WeCom passes it for quotas, circuit breakers and call counts. What is called is wecom's affair."""
