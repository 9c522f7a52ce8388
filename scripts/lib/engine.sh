# A Docker engine of one's own, for tests of what is deployed. Whoever sources this has $work, a folder that goes at the end, and
# DOCKER_HOST; stop_engine ends the engine and what runs beside it, by the pid files in $work.

step() { printf '==> %s\n' "$*"; }
fail() {
	printf 'FAILED: %s\n' "$*" >&2
	exit 1
}

start_engine() {
	[[ $(id -u) == 0 ]] || fail "an engine of one's own needs root: sudo make test-deploy"
	scripts/need dockerd docker.io iptables
	scripts/need docker docker-cli
	scripts/need docker-compose docker-compose
	scripts/need curl curl
	scripts/need jq jq
	work=$(mktemp -d)
	forward=$(cat /proc/sys/net/ipv4/ip_forward)
	policy=$(iptables -S FORWARD 2>/dev/null | sed -n 's/^-P FORWARD //p') || policy=
	export DOCKER_HOST=unix://$work/docker.sock
	dockerd --data-root "$work/root" --exec-root "$work/exec" --pidfile "$work/dockerd.pid" -H "$DOCKER_HOST" >"$work/dockerd.log" 2>&1 &
}

# The engine turned forwarding on and closed it by default: both are put back.
stop_engine() {
	for pid in "$work"/*.pid; do
		[[ -f $pid ]] && kill "$(cat "$pid")" 2>/dev/null && tail --pid="$(cat "$pid")" -f /dev/null
	done
	echo "$forward" >/proc/sys/net/ipv4/ip_forward || true
	[[ -z $policy ]] || iptables -P FORWARD "$policy" || true
	umount "$work"/exec/netns/* 2>/dev/null || true # of a swarm
	rm -rf "$work"
}

# Try something until it works, for a while.
eventually() {
	for _ in $(seq 450); do
		"$@" >/dev/null 2>&1 && return
		sleep 0.2
	done
	tail -5 "$work/dockerd.log" >&2
	"$@" || fail "never came true: $*"
}

healthy() { [[ $(docker inspect --format '{{.State.Health.Status}}' "$1") == healthy ]]; }
