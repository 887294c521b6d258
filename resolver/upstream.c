/* Contract in upstream.h. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>
#include <unistd.h>

#include <event2/event.h>
#include <unbound.h>
#include <unbound-event.h>

#include "lib/base/log.h"
#include "lib/base/xmalloc.h"
#include "resolver/name.h"
#include "resolver/upstream.h"

/*
 * Names that libunbound answers itself, as nobody outside may know them.  Who
 * forwards, or has a stub for one, does want to ask.
 */
static const char *const	 private_zones[] = {
	"test", "home.arpa", "invalid", "onion",
	"10.in-addr.arpa", "16.172.in-addr.arpa", "17.172.in-addr.arpa",
	"18.172.in-addr.arpa", "19.172.in-addr.arpa", "20.172.in-addr.arpa",
	"21.172.in-addr.arpa", "22.172.in-addr.arpa", "23.172.in-addr.arpa",
	"24.172.in-addr.arpa", "25.172.in-addr.arpa", "26.172.in-addr.arpa",
	"27.172.in-addr.arpa", "28.172.in-addr.arpa", "29.172.in-addr.arpa",
	"30.172.in-addr.arpa", "31.172.in-addr.arpa",
	"168.192.in-addr.arpa", "254.169.in-addr.arpa", "127.in-addr.arpa",
	"0.in-addr.arpa", "2.0.192.in-addr.arpa", "100.51.198.in-addr.arpa",
	"113.0.203.in-addr.arpa", "255.255.255.255.in-addr.arpa",
	"d.f.ip6.arpa", "8.e.f.ip6.arpa", "9.e.f.ip6.arpa", "a.e.f.ip6.arpa",
	"b.e.f.ip6.arpa", "8.b.d.0.1.0.0.2.ip6.arpa",
};

static int	 wrong;		/* options refused while setting up */

static void
check(int error, const char *what, const char *value)
{
	if (error == 0)
		return;
	wrong++;
	log_warnx("event=upstream-error what=%s value=%s reason=%s", what,
	    log_esc(value), log_esc(ub_strerror(error)));
}

static void
set(struct ub_ctx *ctx, const char *option, const char *value)
{
	check(ub_ctx_set_option(ctx, option, value), option, value);
}

/* What another version of libunbound may lack, and we can do without. */
static void
tune(struct ub_ctx *ctx, const char *option, const char *value)
{
	int	 error = ub_ctx_set_option(ctx, option, value);

	if (error != 0)
		log_debug("event=libunbound-lacks option=%s reason=%s",
		    option, log_esc(ub_strerror(error)));
}

static void
tune_number(struct ub_ctx *ctx, const char *option, uint64_t n)
{
	char	 value[24];

	snprintf(value, sizeof(value), "%llu", (unsigned long long)n);
	tune(ctx, option, value);
}

/* What libunbound would write to standard error itself. */
static ssize_t
log_words(void *cookie, const char *data, size_t len)
{
	struct slice	 s = { data, len };

	(void)cookie;
	while (s.len > 0 && s.ptr[s.len - 1] == '\n')
		s.len--;
	if (s.len > 0)
		log_debug("event=libunbound text=%s", log_esc_slice(s));
	return (ssize_t)len;
}

static void
set_log(struct ub_ctx *ctx)
{
	static FILE	*sink;

	if (sink == NULL) {
		sink = fopencookie(NULL, "w",
		    (cookie_io_functions_t){ .write = log_words });
		if (sink == NULL)
			fatal("event=out-of-memory");
		setvbuf(sink, NULL, _IOLBF, 0);
	}
	check(ub_ctx_debugout(ctx, sink), "debugout", "");
	tune(ctx, "verbosity:", "0");
	tune(ctx, "val-log-level:", "0");
}

/*
 * How long a failure is remembered decides when a retry sees a mended zone:
 * 5 s where DNSSEC failed or servers did not answer, a minute where a name
 * or record was denied, 15 s for servers that seemed dead.
 */
static void
set_limits(struct ub_ctx *ctx, const struct config_resolver *r,
    unsigned int sockets)
{
	tune_number(ctx, "msg-cache-size:", r->cache_size / 3);
	tune_number(ctx, "rrset-cache-size:", r->cache_size / 3 * 2);
	tune_number(ctx, "key-cache-size:", r->cache_size / 8);
	tune_number(ctx, "neg-cache-size:", r->cache_size / 16);
	tune_number(ctx, "outgoing-range:", sockets);
	tune_number(ctx, "outgoing-num-tcp:", sockets / 16 + 4);
	tune(ctx, "num-queries-per-thread:", "8192");
	tune(ctx, "cache-max-ttl:", "86400");
	tune(ctx, "cache-max-negative-ttl:", "60");
	tune(ctx, "val-bogus-ttl:", "5");
	tune(ctx, "infra-host-ttl:", "15");
	tune(ctx, "infra-keep-probing:", "yes");
	tune(ctx, "infra-cache-max-rtt:", "4000");
	tune(ctx, "rrset-roundrobin:", "no");	/* we shuffle */
	tune(ctx, "minimal-responses:", "yes");
}

/* Is a the zone b or below it? */
static bool
is_below(const char *a, const char *b)
{
	size_t	 la = strlen(a), lb = strlen(b);

	return la >= lb && strcmp(a + la - lb, b) == 0 &&
	    (la == lb || a[la - lb - 1] == '.');
}

static void
allow_zone(struct ub_ctx *ctx, const char *private)
{
	char	 value[128];

	snprintf(value, sizeof(value), "%s. transparent", private);
	set(ctx, "local-zone:", value);
}

static void
allow_private(struct ub_ctx *ctx, const struct config_resolver *r, bool all)
{
	char	 zone[RESOLVER_NAME_MAX];
	size_t	 i, k;
	bool	 allow;

	for (i = 0; i < sizeof(private_zones) / sizeof(*private_zones); i++) {
		/* These no server has, whoever is asked. */
		allow = all && strstr(private_zones[i], "arpa") != NULL &&
		    strcmp(private_zones[i], "127.in-addr.arpa") != 0;
		if (all && strcmp(private_zones[i], "test") == 0)
			allow = true;
		for (k = 0; k < r->nstub && !allow; k++)
			allow = name_parse(r->stub[k].zone, zone) &&
			    (is_below(zone, private_zones[i]) ||
			    is_below(private_zones[i], zone));
		if (allow)
			allow_zone(ctx, private_zones[i]);
	}
}

/* "127.0.0.1:5300", "[::1]:53", "::1" as libunbound has it: "::1@53". */
static void
server_text(const char *in, char out[128])
{
	const char	*colon = strrchr(in, ':');

	if (*in == '[')
		snprintf(out, 128, "%.*s@%s", (int)(colon - in - 2), in + 1,
		    colon + 1);
	else if (colon != NULL && strchr(in, ':') == colon)
		snprintf(out, 128, "%.*s@%s", (int)(colon - in), in,
		    colon + 1);
	else
		snprintf(out, 128, "%s", in);
}

static void
set_stubs(struct ub_ctx *ctx, const struct config_resolver *r)
{
	char	 zone[RESOLVER_NAME_MAX], server[128];
	size_t	 i, k;

	for (i = 0; i < r->nstub; i++) {
		if (!name_parse(r->stub[i].zone, zone)) {
			check(UB_SYNTAX, "stub", r->stub[i].zone);
			continue;
		}
		for (k = 0; k < r->stub[i].server.n; k++) {
			server_text(r->stub[i].server.item[k], server);
			check(ub_ctx_set_stub(ctx, zone, server, 0), "stub",
			    server);
		}
		if (r->stub[i].insecure)
			set(ctx, "domain-insecure:", zone);
	}
}

/* Returns whether somebody else answers for the whole of DNS. */
static bool
set_forward(struct ub_ctx *ctx, const struct config_resolver *r)
{
	char	 server[128];
	size_t	 i;
	int	 error;

	for (i = 0; i < r->forward.n; i++) {
		server_text(r->forward.item[i], server);
		check(ub_ctx_set_fwd(ctx, server), "forward", server);
	}
	if (r->forward.n > 0) {
		log_info("event=upstream kind=forward servers=%zu",
		    r->forward.n);
		return true;
	}
	if (*r->resolv_conf == '\0') {
		log_info("event=upstream kind=recursion");
		return false;
	}
	error = ub_ctx_resolvconf(ctx, r->resolv_conf);
	if (error == 0) {
		log_info("event=upstream kind=resolv-conf path=%s",
		    log_esc(r->resolv_conf));
		return true;
	}
	/* A host without a network yet must be able to start. */
	log_warnx("event=upstream kind=recursion path=%s reason=%s",
	    log_esc(r->resolv_conf), log_esc(ub_strerror(error)));
	return false;
}

/* Returns how many files of trust anchors there are. */
static unsigned int
set_anchors(struct ub_ctx *ctx, const struct config_resolver *r)
{
	const char	*path;
	unsigned int	 n = 0;
	size_t		 i;

	for (i = 0; i < r->trust_anchor.n; i++) {
		path = r->trust_anchor.item[i];
		if (*path == '\0')
			continue;
		if (access(path, R_OK) == -1) {
			if (strcmp(path, CONFIG_ROOT_KEY) == 0)
				continue;
			log_warn("event=upstream-error what=trust-anchor "
			    "value=%s", log_esc(path));
			wrong++;
			continue;
		}
		check(ub_ctx_add_ta_file(ctx, path), "trust-anchor", path);
		n++;
	}
	return n;
}

static void
set_belief(struct upstream *u, const struct config_resolver *r, bool believe,
    bool forwarded)
{
	unsigned int	 n = 0;

	if (strcmp(r->dnssec, "no") != 0 && believe)
		n = set_anchors(u->ctx, r);
	if (n == 0)
		log_info("event=dnssec-off reason=%s", !believe ? "upstream" :
		    strcmp(r->dnssec, "no") == 0 ? "configured" :
		    "no-trust-anchor");
	else
		log_info("event=dnssec-on anchors=%u", n);
	u->probe = n > 0 && forwarded && strcmp(r->dnssec, "auto") == 0;
}

struct upstream *
upstream_new(struct event_base *base, const struct config_resolver *r,
    bool believe, unsigned int sockets, bool again)
{
	struct upstream	*u = xcalloc(1, sizeof(*u));
	bool		 forwarded;

	wrong = 0;
	if ((u->ctx = ub_ctx_create_event(base)) == NULL)
		fatalx("event=out-of-memory");
	set_log(u->ctx);
	set_limits(u->ctx, r, sockets);
	set(u->ctx, "do-not-query-localhost:", "no");
	set_stubs(u->ctx, r);
	forwarded = set_forward(u->ctx, r);
	allow_private(u->ctx, r, forwarded);
	set_belief(u, r, believe, forwarded);
	if (wrong == 0)
		return u;
	if (!again)
		exit(EX_CONFIG);
	upstream_free(u);
	return NULL;
}

void
upstream_free(struct upstream *u)
{
	if (u == NULL)
		return;
	ub_ctx_delete(u->ctx);
	free(u);
}

int
upstream_send(struct upstream *u, const char *name, uint16_t type,
    upstream_fn *fn, void *arg)
{
	int	 error;

	/* "" is the root; libunbound writes it so. */
	error = ub_resolve_event(u->ctx, *name == '\0' ? "." : name, type, 1,
	    arg, fn, NULL);
	if (error == 0)
		return 0;
	log_warnx("event=ask-failed name=%s type=%u reason=%s", log_esc(name),
	    type, log_esc(ub_strerror(error)));
	return -1;
}
