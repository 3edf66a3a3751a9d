# The twenty-five rules of crates/policy/tests/fixture, written again in Rego.
package rules

import rego.v1

agent if input.principal.type == "Agent"

low if input.risk == "low"

production if input.resource.environment == "production"

people := input.approvals.humans

# What overrides every permit.

forbids contains "stopped" if {
	input.facts.posture <= 0
	input.action != "telemetry.read"
}

forbids contains "advise-only" if {
	agent
	input.facts.posture <= 1
	not low
	people < 1
}

forbids contains "routine-only" if {
	agent
	input.facts.posture <= 2
	not input.facts.routine
	not low
	people < 1
}

forbids contains "freeze" if {
	input.facts.freeze
	not low
	not input.approvals.incident_commander
}

forbids contains "conflict" if {
	input.facts.conflicting
	not low
	people < 2
}

forbids contains "mass-change" if {
	input.facts.fleet_bp > 2500
	not low
	not input.approvals.owner
}

forbids contains "money-path" if {
	agent
	input.risk == "medium"
	input.resource.money_path
	input.facts.confidence_bp < 6000
	people < 1
}

forbids contains "high-risk" if {
	input.risk == "high"
	people < 1
}

# What is allowed.

permits contains "read-telemetry" if input.action == "telemetry.read"

permits contains "draft-status" if input.action == "status.draft"

permits contains "purge-elsewhere" if {
	input.action == "cache.purge"
	not production
}

permits contains "purge-routine" if {
	input.action == "cache.purge"
	input.facts.routine
	input.facts.undo_drilled
}

permits contains "purge-one" if {
	input.action == "cache.purge"
	people >= 1
}

permits contains "drain-routine" if {
	agent
	input.action == "pool.drain"
	input.facts.routine
	input.evidence.backend_down
	input.facts.confidence_bp >= 8000
	input.facts.fleet_bp <= 500
}

permits contains "drain-one" if {
	input.action == "pool.drain"
	input.evidence.backend_down
	people >= 1
}

permits contains "reboot-dev" if {
	input.action == "host.reboot"
	input.resource.environment == "dev"
}

permits contains "reboot-staging" if {
	agent
	input.action == "host.reboot"
	input.resource.environment == "staging"
	input.facts.confidence_bp >= 7000
}

permits contains "reboot-one" if {
	input.action == "host.reboot"
	input.evidence.backend_down
	input.approvals.operator
	input.approvals.grade >= 1
}

permits contains "scale-small" if {
	input.action == "service.scale"
	not production
	input.facts.hosts <= 10
	input.evidence.error_rate_high
	input.facts.confidence_bp >= 8000
}

permits contains "scale-one" if {
	input.action == "service.scale"
	people >= 1
}

permits contains "renew-certificate" if {
	input.action == "cert.renew"
	input.evidence.cert_expiring
	input.facts.reversible
}

permits contains "dns-two" if {
	input.action == "dns.update"
	input.evidence.resolver_probe
	people >= 2
	input.approvals.grade >= 2
}

permits contains "dns-dev" if {
	input.action == "dns.update"
	input.resource.environment == "dev"
	people >= 1
}

permits contains "switchover-owner" if {
	input.action == "db.switchover"
	input.evidence.standby_ready
	input.evidence.replica_caught_up
	people >= 2
	input.approvals.owner
	input.approvals.service_lead
}

permits contains "waf-security" if {
	input.action == "waf.bypass"
	input.approvals.security_officer
	input.facts.emergency
	input.facts.severity >= 1
	input.facts.severity <= 2
}

answer := {"permits": permits, "forbids": forbids}
