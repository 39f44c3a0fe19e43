"""SOPs for one customer: enrolment, prompts, gate, completion, group sends, materials. The decisions are sop's."""
