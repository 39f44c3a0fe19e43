"""SOPs for one customer: enrolment, prompts, the gate before sending, proof of completion, group sends, materials. Decisions are sop's."""
