/* mailctl user show: all that is known of one user, but no secret. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>

#include "lib/store/extra.h"
#include "lib/store/secret.h"
#include "mailctl/json.h"
#include "mailctl/tables.h"
#include "mailctl/user_parts.h"

/* How a password is kept, in a word. */
static const char *
kind_of(const struct user *u)
{
	static const struct {
		const char	*front, *name;
	}		 kinds[] = {
		{ "$y$", "yescrypt" }, { "$gy$", "gost-yescrypt" },
		{ "$7$", "scrypt" }, { "$6$", "sha512-crypt" },
		{ "$5$", "sha256-crypt" }, { "$2", "bcrypt" },
		{ "$1$", "md5-crypt" },
	};
	struct scram_keys	 k;
	size_t			 i;

	if (u->locked)
		return "locked";
	if (u->secret[0] == '\0')
		return "none";
	if (secret_word(u->secret) != NULL)
		return "plain";
	if (secret_keys(u->secret, SCRAM_SHA_256, &k) ||
	    secret_keys(u->secret, SCRAM_SHA_1, &k))
		return "scram";
	for (i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++)
		if (strncmp(u->secret, kinds[i].front,
		    strlen(kinds[i].front)) == 0)
			return kinds[i].name;
	return "crypt";
}

static void
line(const struct mailctl *m, struct json *j, const char *key,
    const char *value)
{
	if (m->json)
		json_string(j, key, value);
	else
		printf("%-12s %s\n", key, shown(value));
}

static void
number(const struct mailctl *m, struct json *j, const char *key, uint64_t n)
{
	if (m->json)
		json_unsigned(j, key, n);
	else
		printf("%-12s %llu\n", key, (unsigned long long)n);
}

static void
show_scram(const struct mailctl *m, struct json *j, const struct user *u)
{
	static const char	*const names[] = {
		[SCRAM_SHA_256] = "scram-sha-256",
		[SCRAM_SHA_1] = "scram-sha-1",
	};
	struct scram_keys	 k;
	char			 text[32];
	size_t			 i;

	for (i = 0; i < SCRAM_HASHES; i++) {
		if (user_scram(u, (enum scram_hash)i, &k))
			snprintf(text, sizeof(text), "%lu rounds",
			    (unsigned long)k.iterations);
		else
			snprintf(text, sizeof(text), "%s",
			    secret_word(u->secret) != NULL ? "computed" :
			    "none");
		line(m, j, names[i], text);
	}
	explicit_bzero(&k, sizeof(k));
}

/* Words that may be there more than once. */
static void
show_words(const struct mailctl *m, struct json *j, const struct user *u,
    const char *key)
{
	const char	*words = u->extra;
	struct slice	 v;
	char		 text[2048];

	if (m->json)
		json_open(j, key, '[');
	while (extra_next(&words, key, &v)) {
		snprintf(text, sizeof(text), "%.*s", (int)v.len, v.ptr);
		line(m, j, m->json ? NULL : key, text);
	}
	if (m->json)
		json_close(j, ']');
}

static void
show(struct mailctl *m, const struct user *u)
{
	struct json	 j;

	json_init(&j, stdout);
	if (m->json)
		json_open(&j, NULL, '{');
	line(m, &j, "address", u->name);
	line(m, &j, "password", kind_of(u));
	show_scram(m, &j, u);
	show_words(m, &j, u, "certificate");
	show_words(m, &j, u, "senders");
	line(m, &j, "login", u->nologin || u->locked ? "no" : "yes");
	number(m, &j, "uid", u->uid);
	number(m, &j, "gid", u->gid);
	if (u->home != NULL)
		line(m, &j, "home", u->home);
	if (u->quota_octets != 0)
		number(m, &j, "quota", u->quota_octets);
	if (u->quota_count != 0)
		number(m, &j, "quota-count", u->quota_count);
	if (m->json) {
		json_close(&j, '}');
		json_line(&j);
	}
}

int
user_show(struct mailctl *m, const char *arg)
{
	const struct config	*cfg = mailctl_config(m);
	const struct user	*u;
	struct users		*us;
	struct address		 a;
	struct buf		 err;
	int			 code;

	if ((code = user_address(cfg, arg, &a)) != EX_OK)
		return code;
	buf_init(&err, 65536);
	us = tables_users(cfg, &err);
	if (us == NULL) {
		fputs(buf_cstr(&err), stderr);
		code = EX_CONFIG;
	} else if ((u = users_find(us, a.text)) == NULL)
		code = complain(EX_NOUSER, "no user %s", shown(a.text));
	else
		show(m, u);
	users_free(us);
	buf_free(&err);
	return code;
}
