# Sourced by lab/up and lab/webhook: writes the configuration of every part below $LAB.
# shellcheck shell=bash

# The part `web-N`: a real web server in ten lines, an HAProxy that answers by itself.
configure_web() {
  local name=$1 port=$2
  mkdir -p "$LAB/$name"
  cat >"$LAB/$name/haproxy.cfg" <<EOF
global
  maxconn 200
defaults
  mode http
  timeout client 10s
  timeout connect 1s
  timeout server 10s
frontend web
  bind 127.0.0.1:$port
  http-request return status 200 content-type text/plain lf-string "hello from $name (lab)\n"
EOF
}

# No health checks: a dead server keeps its share of the requests, and they keep failing, until somebody drains it.
# `retries 0` makes each of them fail at once.
configure_haproxy() {
  local host
  mkdir -p "$LAB/haproxy/certs"
  chmod 700 "$LAB/haproxy/certs"
  while read -r host _; do
    (umask 077
      openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 30 -subj "/CN=$host.$ZONE" \
        -addext "subjectAltName=DNS:$host.$ZONE" -keyout "$LAB/haproxy/key.pem" -out "$LAB/haproxy/cert.pem" 2>/dev/null
      cat "$LAB/haproxy/cert.pem" "$LAB/haproxy/key.pem" >"$LAB/haproxy/certs/$host.$ZONE.pem"
      rm -f "$LAB/haproxy/key.pem" "$LAB/haproxy/cert.pem")
  done <<<"$DNS_PLAN"
  cat >"$LAB/haproxy/haproxy.cfg" <<EOF
global
  maxconn 500
  stats socket $LAB/haproxy/admin.sock mode 600 level admin
defaults
  mode http
  retries 0
  timeout connect 1s
  timeout client 10s
  timeout server 10s
frontend front
  bind 127.0.0.1:$PORT_FRONT
  default_backend shop
frontend tls
  bind 127.0.0.1:$PORT_TLS ssl crt $LAB/haproxy/certs/
  default_backend shop
frontend metrics
  bind 127.0.0.1:$PORT_METRICS
  http-request use-service prometheus-exporter if { path /metrics }
  http-request return status 404
backend shop
  balance roundrobin
  http-response set-header x-served-by %s
  server web-1 127.0.0.1:$PORT_WEB_1 weight 100
  server web-2 127.0.0.1:$PORT_WEB_2 weight 100
EOF
}

configure_bind9() {
  local host address
  mkdir -p "$LAB/bind9/zones"
  [ -s "$LAB/bind9/key.conf" ] || (umask 077 && tsig-keygen -a hmac-sha256 "$TSIG_NAME" >"$LAB/bind9/key.conf")
  # A journal of an earlier life does not fit the zone file written next.
  rm -f "$LAB/bind9/zones/"*.jnl
  {
    # shellcheck disable=SC2016  # $TTL is the zone file's own word
    printf '$TTL 60\n'
    printf '@ IN SOA ns1.%s. lab.%s. ( 1 60 60 3600 60 )\n@ IN NS ns1.%s.\nns1 IN A 127.0.0.1\n' "$ZONE" "$ZONE" "$ZONE"
    while read -r host address _; do printf '%s IN A %s\n' "$host" "$address"; done <<<"$DNS_PLAN"
  } >"$LAB/bind9/zones/$ZONE.db"
  cat >"$LAB/bind9/named.conf" <<EOF
include "$LAB/bind9/key.conf";
controls { };
options {
  directory "$LAB/bind9";
  listen-on port $PORT_DNS { 127.0.0.1; };
  listen-on-v6 { none; };
  pid-file "$LAB/bind9/named.pid";
  session-keyfile "$LAB/bind9/session.key";
  managed-keys-directory "$LAB/bind9";
  recursion no;
  dnssec-validation no;
  notify no;
};
zone "$ZONE" {
  type primary;
  file "$LAB/bind9/zones/$ZONE.db";
  update-policy { grant $TSIG_NAME zonesub A AAAA CNAME TXT; };
  allow-transfer { key $TSIG_NAME; };
  max-ixfr-ratio unlimited;
};
EOF
}

tsig_secret() { sed -n 's/.*secret "\(.*\)".*/\1/p' "$LAB/bind9/key.conf"; }

configure_blackbox() {
  local host address standby one
  mkdir -p "$LAB/blackbox"
  {
    printf 'modules:\n  http_200:\n    prober: http\n    timeout: 1s\n    http: {valid_status_codes: [200], preferred_ip_protocol: ip4}\n'
    while read -r host address standby; do
      one="${address//./\\.}|${standby//./\\.}"
      printf '  dns_%s:\n    prober: dns\n    timeout: 1s\n    dns:\n' "$host"
      printf '      query_name: %s.%s\n      query_type: A\n      preferred_ip_protocol: ip4\n' "$host" "$ZONE"
      printf "      validate_answer_rrs:\n        fail_if_not_matches_regexp: ['.*\\\\s(%s)\$']\n        fail_if_none_matches_regexp: ['.*\\\\s(%s)\$']\n" "$one" "$one"
      printf '  tls_%s:\n    prober: tcp\n    timeout: 1s\n    tcp:\n      tls: true\n' "$host"
      printf '      tls_config: {server_name: %s.%s, insecure_skip_verify: true}\n' "$host" "$ZONE"
    done <<<"$DNS_PLAN"
  } >"$LAB/blackbox/blackbox.yml"
}

# The receiver comes from LAB_WEBHOOK_URL and LAB_WEBHOOK_TOKEN; without an URL alerts stay within Alertmanager.
configure_alertmanager() {
  mkdir -p "$LAB/alertmanager"
  (umask 077 && printf '%s' "${LAB_WEBHOOK_TOKEN:-}" >"$LAB/alertmanager/token")
  {
    printf 'route:\n  receiver: lineclear\n  group_by: [alertname, server, name]\n'
    printf '  group_wait: 1s\n  group_interval: 1s\n  repeat_interval: 1h\nreceivers:\n- name: lineclear\n'
    if [ -n "${LAB_WEBHOOK_URL:-}" ]; then
      printf "  webhook_configs:\n  - url: '%s'\n    send_resolved: true\n" "${LAB_WEBHOOK_URL//\'/\'\'}"
      if [ -n "${LAB_WEBHOOK_TOKEN:-}" ]; then
        printf '    http_config:\n      authorization: {type: Bearer, credentials_file: %s/alertmanager/token}\n' "$LAB"
      fi
    fi
  } >"$LAB/alertmanager/alertmanager.yml"
}

probe_job() {
  printf -- '- job_name: %s\n  metrics_path: /probe\n  relabel_configs:\n' "$1"
  printf '  - {source_labels: [__address__], target_label: __param_target}\n  - {source_labels: [__param_target], target_label: instance}\n'
  printf '  - {target_label: __address__, replacement: "127.0.0.1:%s"}\n  static_configs:\n' "$PORT_BLACKBOX"
}

probe_target() { printf "  - {targets: ['%s'], labels: {__param_module: %s, %s}}\n" "$1" "$2" "$3"; }

configure_prometheus() {
  local host
  mkdir -p "$LAB/prometheus"
  {
    printf 'global: {scrape_interval: 1s, scrape_timeout: 1s, evaluation_interval: 1s}\nrule_files: [rules.yml]\n'
    printf "alerting: {alertmanagers: [{static_configs: [{targets: ['127.0.0.1:%s']}]}]}\n" "$PORT_ALERTMANAGER"
    printf "scrape_configs:\n- {job_name: haproxy, static_configs: [{targets: ['127.0.0.1:%s']}]}\n" "$PORT_METRICS"
    printf -- '- job_name: node\n  static_configs:\n'
    for host in web-1 web-2; do printf "  - {targets: ['127.0.0.1:%s'], labels: {server: %s}}\n" "$PORT_NODE" "$host"; done
    probe_job http
    probe_target "http://127.0.0.1:$PORT_WEB_1/" http_200 'server: web-1, service: shop'
    probe_target "http://127.0.0.1:$PORT_WEB_2/" http_200 'server: web-2, service: shop'
    probe_job dns
    while read -r host _; do probe_target "127.0.0.1:$PORT_DNS" "dns_$host" "name: $host.$ZONE, service: dns"; done <<<"$DNS_PLAN"
    probe_job tls
    while read -r host _; do probe_target "127.0.0.1:$PORT_TLS" "tls_$host" "host: $host.$ZONE"; done <<<"$DNS_PLAN"
  } >"$LAB/prometheus/prometheus.yml"
  # The names on the left are the ones the simulated estate has too, so that one estate directory asks both.
  cat >"$LAB/prometheus/rules.yml" <<'EOF'
groups:
- name: names
  rules:
  - record: http_requests_rate
    expr: sum(rate(haproxy_frontend_http_requests_total{proxy="front"}[10s]))
    labels: {service: shop}
  - record: http_error_ratio
    expr: >-
      sum(rate(haproxy_frontend_http_responses_total{proxy="front",code="5xx"}[10s]))
      / (sum(rate(haproxy_frontend_http_requests_total{proxy="front"}[10s])) > 0)
      or vector(0)
    labels: {service: shop}
  # The budget: 0.1 % of twenty requests a second for thirty days.
  - record: slo_error_budget_remaining_ratio
    expr: 1 - sum(haproxy_frontend_http_responses_total{proxy="front",code="5xx"}) / 51840
    labels: {service: shop}
  - record: service_replicas
    expr: count(haproxy_server_status{proxy="shop",state="UP"} == 1) or vector(0)
    labels: {service: shop}
  - record: dns_answer_matches
    expr: max by (name) (probe_success{job="dns"})
    labels: {service: dns}
  - record: tls_certificate_days_left
    expr: max by (host) ((probe_ssl_earliest_cert_expiry{job="tls"} - time()) / 86400)
  - record: node_up
    expr: max by (server) (up{job="node"})
- name: alerts
  rules:
  - alert: BackendDown
    expr: probe_success{job="http"} == 0
    for: 2s
    labels: {severity: critical, team: hosting}
    annotations: {summary: '{{ $labels.server }} does not answer'}
  - alert: DnsAnswerWrong
    expr: dns_answer_matches == 0
    for: 2s
    labels: {severity: critical, team: dns}
    annotations: {summary: '{{ $labels.name }} answers with a wrong address'}
EOF
}

# Objectives look back over weeks, and this Prometheus was born a moment ago: it is given a made-up past of thirty days, one sample a
# minute, in which all was well. The series are the very ones that go on from here.
write_history() {
  local host series=''
  series="http_error_ratio{service=\"shop\"} 0"
  series="$series;probe_success{instance=\"http://127.0.0.1:$PORT_WEB_1/\",job=\"http\",server=\"web-1\",service=\"shop\"} 1"
  series="$series;probe_success{instance=\"http://127.0.0.1:$PORT_WEB_2/\",job=\"http\",server=\"web-2\",service=\"shop\"} 1"
  while read -r host _; do series="$series;dns_answer_matches{name=\"$host.$ZONE\",service=\"dns\"} 1"; done <<<"$DNS_PLAN"
  awk -v now="$(date +%s)" -v series="$series" 'BEGIN {
    count = split(series, all, ";")
    for (i = 1; i <= count; i++) {
      split(all[i], part, " ")
      name = part[1]; sub(/[{].*/, "", name)
      if (name != last) printf "# TYPE %s gauge\n", name
      last = name
      for (at = now - 30 * 86400; at < now - 30; at += 60) printf "%s %s %d\n", part[1], part[2], at
    }
    print "# EOF"
  }' >"$LAB/prometheus/history.txt"
  promtool tsdb create-blocks-from openmetrics --quiet --max-block-duration=1000h "$LAB/prometheus/history.txt" "$LAB/prometheus/data" \
    >>"$LAB/logs/prometheus.log" 2>&1
  rm -f "$LAB/prometheus/history.txt"
}
