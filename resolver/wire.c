/* Contract in wire.h. */
#include <arpa/inet.h>
#include <string.h>

#include <resolv.h>

#include "lib/base/text.h"
#include "resolver/wire.h"

/* libresolv's form of a name into ours; false when it is too long. */
static bool
plain_name(const char *in, char out[RESOLVER_NAME_MAX])
{
	size_t	 len = strlen(in);

	if (len > 0 && in[len - 1] == '.')
		len--;
	if (len >= RESOLVER_NAME_MAX)
		return false;
	memcpy(out, in, len);
	out[len] = '\0';
	text_lower_str(out);
	return true;
}

static void
least(uint32_t *ttl, uint32_t other)
{
	if (other < *ttl)
		*ttl = other;
}

void
wire_failed(struct dns_answer *a, const char *name, const char *why)
{
	memset(a, 0, sizeof(*a));
	a->status = DNS_FAILED;
	a->why = why;
	(void)plain_name(name, a->name);
}

/* A denial may be kept as long as its SOA says (RFC 2308 5). */
static void
read_denial(struct dns_answer *a)
{
	const uint8_t	*end;
	ns_rr		 rr;
	int		 i;

	for (i = 0; i < ns_msg_count(a->msg, ns_s_ns); i++) {
		if (ns_parserr(&a->msg, ns_s_ns, i, &rr) == -1)
			break;
		if (ns_rr_type(rr) != ns_t_soa || ns_rr_rdlen(rr) < 22)
			continue;
		end = ns_rr_rdata(rr) + ns_rr_rdlen(rr);
		least(&a->ttl, (uint32_t)ns_get32(end - 4));
		least(&a->ttl, ns_rr_ttl(rr));
		return;
	}
	a->ttl = 0;
}

/*
 * Follow the aliases, which a resolver writes in their order, and count the
 * records at their end.  -1: malformed or endless.
 */
static int
read_records(struct dns_answer *a)
{
	char	 owner[RESOLVER_NAME_MAX];
	ns_rr	 rr;
	int	 i, aliases = 0, found = 0;

	for (i = 0; i < ns_msg_count(a->msg, ns_s_an); i++) {
		if (ns_parserr(&a->msg, ns_s_an, i, &rr) == -1)
			return -1;
		if (ns_rr_class(rr) != ns_c_in ||
		    !plain_name(ns_rr_name(rr), owner) ||
		    strcmp(owner, a->name) != 0)
			continue;
		if (ns_rr_type(rr) == a->type)
			found++;
		else if (ns_rr_type(rr) == ns_t_cname && found == 0) {
			struct dns_record	 r = { 0, ns_rr_rdata(rr),
			    ns_rr_rdlen(rr) };

			if (++aliases > WIRE_ALIASES ||
			    !wire_name(a, &r, a->name))
				return -1;
			a->alias = true;
		} else
			continue;
		least(&a->ttl, ns_rr_ttl(rr));
	}
	return found;
}

void
wire_read(const uint8_t *packet, size_t len, const char *name, uint16_t type,
    struct dns_answer *a)
{
	int	 rcode, n;

	wire_failed(a, name, "malformed answer");
	a->type = type;
	a->ttl = UINT32_MAX;
	if (packet == NULL || len > NS_MAXMSG ||
	    ns_initparse(packet, (int)len, &a->msg) == -1 ||
	    ns_msg_getflag(a->msg, ns_f_qr) == 0)
		return;
	rcode = ns_msg_getflag(a->msg, ns_f_rcode);
	if (rcode != ns_r_noerror && rcode != ns_r_nxdomain) {
		a->why = rcode == ns_r_servfail ? "server failure" :
		    rcode == ns_r_refused ? "server refused" :
		    "unexpected answer";
		return;
	}
	/* libunbound's own packet has an end too; none of it is no denial. */
	if (ns_msg_getflag(a->msg, ns_f_tc) != 0) {
		a->why = "answer too large";
		return;
	}
	if ((n = read_records(a)) == -1)
		return;
	if (n > 0)
		a->status = DNS_OK;
	else {
		a->status = rcode == ns_r_nxdomain ? DNS_NXDOMAIN :
		    DNS_NODATA;
		read_denial(a);
	}
	a->why = "";
}

bool
wire_next(struct dns_answer *a, int *at, struct dns_record *r)
{
	char	 owner[RESOLVER_NAME_MAX];
	ns_rr	 rr;

	if (a->status != DNS_OK)
		return false;
	while (*at < ns_msg_count(a->msg, ns_s_an)) {
		if (ns_parserr(&a->msg, ns_s_an, (*at)++, &rr) == -1)
			return false;
		if (ns_rr_class(rr) != ns_c_in || ns_rr_type(rr) != a->type ||
		    !plain_name(ns_rr_name(rr), owner) ||
		    strcmp(owner, a->name) != 0)
			continue;
		r->ttl = ns_rr_ttl(rr);
		r->data = ns_rr_rdata(rr);
		r->len = ns_rr_rdlen(rr);
		return true;
	}
	return false;
}

bool
wire_address(const struct dns_answer *a, const struct dns_record *r,
    char out[RESOLVER_ADDR_MAX])
{
	int	 family = a->type == ns_t_a ? AF_INET : AF_INET6;

	return r->len == (family == AF_INET ? NS_INADDRSZ : NS_IN6ADDRSZ) &&
	    inet_ntop(family, r->data, out, RESOLVER_ADDR_MAX) != NULL;
}

/* The name that is all of the record's data from its octet skip on. */
static bool
name_at(const struct dns_answer *a, const struct dns_record *r, size_t skip,
    char name[RESOLVER_NAME_MAX])
{
	char	 raw[NS_MAXDNAME];
	int	 n;

	if (r->len <= skip)
		return false;
	n = ns_name_uncompress(ns_msg_base(a->msg), ns_msg_end(a->msg),
	    r->data + skip, raw, sizeof(raw));
	return n != -1 && (size_t)n + skip == r->len && plain_name(raw, name);
}

bool
wire_mx(const struct dns_answer *a, const struct dns_record *r,
    uint16_t *preference, char name[RESOLVER_NAME_MAX])
{
	if (r->len < 3)
		return false;
	*preference = (uint16_t)ns_get16(r->data);
	return name_at(a, r, 2, name);
}

bool
wire_name(const struct dns_answer *a, const struct dns_record *r,
    char name[RESOLVER_NAME_MAX])
{
	return name_at(a, r, 0, name);
}

bool
wire_txt(const struct dns_record *r, struct buf *out)
{
	size_t	 at = 0, n;

	while (at < r->len) {
		n = r->data[at++];
		if (n > r->len - at || buf_add(out, r->data + at, n) == -1)
			return false;
		at += n;
	}
	return r->len > 0;
}

bool
wire_tlsa(const struct dns_record *r, struct resolver_tlsa *t)
{
	if (r->len < 4 || r->len - 3 > sizeof(t->data))
		return false;
	t->usage = r->data[0];
	t->selector = r->data[1];
	t->matching = r->data[2];
	t->len = r->len - 3;
	memcpy(t->data, r->data + 3, t->len);
	return true;
}
