/* Contract in lookup.h. */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <fcntl.h>
#include <unistd.h>

#include <bsd/string.h>

#include "authd/lookup.h"
#include "authd/sources.h"
#include "lib/base/config.h"
#include "lib/base/io.h"
#include "lib/base/log.h"
#include "lib/base/text.h"
#include "lib/mail/address.h"
#include "lib/mail/aliases.h"
#include "lib/mail/relays.h"

#define ADDRESS_FLAGS	(ADDRESS_LENIENT | ADDRESS_POSTMASTER | ADDRESS_UTF8)

static struct user *
find_user(struct tables *t, const char *local, const char *domain)
{
	char	 name[AUTH_USER_MAX + 1];
	int	 n;

	n = snprintf(name, sizeof(name), "%s@%s", local, domain);
	if (n < 0 || (size_t)n >= sizeof(name))
		return NULL;
	return sources_find(t, name);
}

static bool
is_local(const char *domain, void *arg)
{
	const struct tables	*t = arg;

	return config_is_local(t->conf, domain);
}

static bool
is_user(const char *local, const char *domain, void *arg)
{
	return find_user(arg, local, domain) != NULL;
}

/*
 * Parse and qualify.  A bare "postmaster" is the configured one; any other bare
 * name is in hostname.
 */
static bool
parse(const struct tables *t, const char *text, struct address *a)
{
	char	 local[ADDRESS_LOCAL_MAX + 1];

	if (address_parse(slice_str(text), ADDRESS_FLAGS, a) != ADDRESS_OK ||
	    a->local[0] == '\0')
		return false;
	if (a->domain[0] != '\0')
		return true;
	if (strcasecmp(a->local, "postmaster") == 0 &&
	    address_parse(slice_str(t->conf->postmaster), ADDRESS_FLAGS, a) ==
	    ADDRESS_OK && a->domain[0] != '\0')
		return true;
	strlcpy(local, a->local, sizeof(local));
	return address_make(local, t->conf->hostname, a) == 0;
}

/* The address without its tag; false when it has none. */
static bool
untag(const struct tables *t, const struct address *a, struct address *out)
{
	char	 local[ADDRESS_LOCAL_MAX + 1], *tag;

	strlcpy(local, a->local, sizeof(local));
	if (t->conf->tag[0] == '\0' ||
	    (tag = strstr(local, t->conf->tag)) == NULL || tag == local)
		return false;
	*tag = '\0';
	return address_make(local, a->domain, out) == 0;
}

static enum aliases_status
expand(struct tables *t, const struct address *a, struct aliases_result **r,
    size_t *n)
{
	return aliases_expand(t->aliases, a, t->conf->hostname, is_local,
	    is_user, t, r, n);
}

static void
found_user(const struct tables *t, const struct user *u,
    struct auth_lookup *out)
{
	out->kind = AUTH_USER;
	strlcpy(out->user, u->name, sizeof(out->user));
	out->uid = u->uid;
	out->gid = u->gid;
	out->quota_octets = u->quota_octets;
	out->quota_count = u->quota_count;
	out->full =
	    (u->quota_octets != 0 && u->used_octets >= u->quota_octets) ||
	    (u->quota_count != 0 && u->used_count >= u->quota_count);
	lookup_home(t->conf, u, out->home);
}

static bool
exact(const struct tables *t, const struct address *a, bool catchall)
{
	return aliases_has(t->aliases, a->local, a->domain, catchall);
}

/* mailbox: aliases do not count. */
static void
lookup_local(struct tables *t, const struct address *a, bool mailbox,
    struct auth_lookup *out)
{
	const struct user	*u = find_user(t, a->local, a->domain);
	struct address		 base;
	bool			 tagged;

	out->kind = AUTH_ALIAS;
	if (!mailbox && exact(t, a, false))
		return;
	tagged = u == NULL && untag(t, a, &base);
	if (tagged)
		u = find_user(t, base.local, base.domain);
	if (u != NULL)
		found_user(t, u, out);
	else if (mailbox || t->unsure || (!(tagged && exact(t, &base, false)) &&
	    !exact(t, a, true)))
		out->kind = AUTH_UNKNOWN;
}

static void
lookup_relay(struct tables *t, const struct address *a,
    struct auth_lookup *out)
{
	if (t->relays == NULL || relays_has(t->relays, a->local, a->domain))
		out->kind = AUTH_RELAY;
	else
		t->unsure = t->broken = relays_spoilt(t->relays);
}

void
lookup_address(struct tables *t, const char *address, struct auth_lookup *out)
{
	struct address	 a;
	bool		 mailbox = address[0] == '\\';

	memset(out, 0, sizeof(*out));
	out->kind = AUTH_UNKNOWN;
	address += mailbox;
	if (!parse(t, address, &a))
		return;
	t->unsure = t->broken = false;
	if (config_is_local(t->conf, a.domain))
		lookup_local(t, &a, mailbox, out);
	else if (config_is_relay(t->conf, a.domain))
		lookup_relay(t, &a, out);
	else
		out->kind = AUTH_REMOTE;
	/* Perhaps it is somebody's: nothing is sent back for that. */
	if (t->unsure && out->kind == AUTH_UNKNOWN)
		out->kind = t->broken ? AUTH_BROKEN : AUTH_TEMP;
}

static int
write_word(struct buf *b, const char *word, char end)
{
	if (word == NULL)
		word = "-";
	if (text_xencode(b, slice_str(word), false) == -1)
		return -1;
	return buf_addc(b, end);
}

int
lookup_sealed(const char *name, const struct buf *b)
{
	int	 fd = memfd_create(name, MFD_CLOEXEC | MFD_ALLOW_SEALING);

	if (fd == -1 || io_write_all(fd, buf_cstr(b), b->len) == -1 ||
	    fcntl(fd, F_ADD_SEALS, F_SEAL_WRITE | F_SEAL_GROW | F_SEAL_SHRINK |
	    F_SEAL_SEAL) == -1) {
		io_close(fd);
		return -1;
	}
	return fd;
}

static int
sealed(const struct aliases_result *r, size_t n)
{
	struct buf	 b;
	size_t		 i;
	int		 fd = -1, ok = 0;

	buf_init(&b, (size_t)ALIASES_RESULTS * 9 * (ADDRESS_MAX + 2));
	for (i = 0; i < n && ok == 0; i++)
		if (write_word(&b, r[i].address, ' ') == -1 ||
		    write_word(&b, r[i].owner, ' ') == -1 ||
		    write_word(&b, r[i].orcpt, '\n') == -1)
			ok = -1;
	if (ok == 0)
		fd = lookup_sealed("expanded", &b);
	buf_free(&b);
	return fd;
}

/*
 * The name under which *a is expanded, in lookup's order: a tagged user, who is
 * no alias (false), comes before a catch-all.
 */
static bool
expands(struct tables *t, struct address *a)
{
	struct address	 base;

	if (exact(t, a, false) ||
	    find_user(t, a->local, a->domain) != NULL || !untag(t, a, &base))
		return true;
	if (find_user(t, base.local, base.domain) != NULL)
		return false;
	if (exact(t, &base, false))
		*a = base;
	return true;
}

const char *
lookup_expand(struct tables *t, const char *address, int *fd)
{
	struct aliases_result	*r = NULL;
	enum aliases_status	 status;
	struct address		 a;
	size_t			 n = 0;

	*fd = -1;
	if (!parse(t, address, &a) || !config_is_local(t->conf, a.domain))
		return "none";
	t->unsure = t->broken = false;
	if (!expands(t, &a))
		return "none";
	status = expand(t, &a, &r, &n);
	/* A copy for somebody who cannot be told from nobody would be lost. */
	if (t->unsure) {
		aliases_results_free(r, n);
		return t->broken ? "broken" : "temp";
	}
	if (status == ALIASES_OK) {
		*fd = sealed(r, n);
		aliases_results_free(r, n);
		if (*fd == -1)
			log_warn("event=expand-failed address=%s",
			    log_esc(a.text));
	}
	switch (status) {
	case ALIASES_OK:
		return *fd == -1 ? "temp" : "ok";
	case ALIASES_NONE:
		return "none";
	case ALIASES_LOOP:
		log_warnx("event=alias-loop address=%s", log_esc(a.text));
		return "loop";
	case ALIASES_TOOMANY:
		log_warnx("event=alias-too-many address=%s", log_esc(a.text));
		return "toomany";
	case ALIASES_ERROR:
		break;
	}
	log_warn("event=alias-unreadable address=%s", log_esc(a.text));
	return "broken";
}

/* Is it the user's mailbox, with or without a tag? */
static bool
is_mailbox_of(struct tables *t, const struct address *a,
    const struct user *u)
{
	const struct user	*there = find_user(t, a->local, a->domain);
	struct address		 base;

	if (there == NULL && untag(t, a, &base))
		there = find_user(t, base.local, base.domain);
	return there == u;
}

static bool
leads_to(struct tables *t, const struct address *from, const struct user *u)
{
	struct address		 a = *from, to;
	struct aliases_result	*r = NULL;
	size_t			 i, n = 0;
	bool			 there = false;

	if (!expands(t, &a) || expand(t, &a, &r, &n) != ALIASES_OK)
		return false;
	for (i = 0; i < n && !there; i++)
		there = parse(t, r[i].address, &to) &&
		    config_is_local(t->conf, to.domain) &&
		    is_mailbox_of(t, &to, u);
	aliases_results_free(r, n);
	return there;
}

bool
lookup_is_theirs(struct tables *t, const char *address, const struct user *u)
{
	struct address	 a, base;

	if (!parse(t, address, &a))
		return false;
	if (user_has_sender(u, a.local, a.domain) || (untag(t, &a, &base) &&
	    user_has_sender(u, base.local, base.domain)))
		return true;
	return config_is_local(t->conf, a.domain) &&
	    (is_mailbox_of(t, &a, u) || leads_to(t, &a, u));
}

struct user *
lookup_login(struct tables *t, const char *name)
{
	t->unsure = t->broken = false;
	if (strchr(name, '@') == NULL)
		return find_user(t, name, t->conf->hostname);
	return sources_find(t, name);
}

void
lookup_home(const struct config *conf, const struct user *u, char *home)
{
	char		 local[AUTH_USER_MAX + 1];
	size_t		 len = (size_t)(strrchr(u->name, '@') - u->name);
	struct buf	 b;

	if (u->home != NULL) {
		strlcpy(home, u->home, AUTH_HOME_MAX);
		return;
	}
	memcpy(local, u->name, len);
	local[len] = '\0';
	buf_init(&b, AUTH_HOME_MAX - 1);
	/* The loader has seen that this can be done. */
	if (config_expand(conf->mail_home, local, u->name + len + 1, &b) ==
	    -1)
		fatalx("event=bad-home user=%s", log_esc(u->name));
	strlcpy(home, buf_cstr(&b), AUTH_HOME_MAX);
	buf_free(&b);
}
