/* Contract in user_parts.h. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sysexits.h>

#include <bsd/stdlib.h>
#include <bsd/string.h>

#include "lib/base/io.h"
#include "lib/base/saslprep.h"
#include "lib/base/text.h"
#include "mailctl/password.h"
#include "mailctl/tables.h"
#include "mailctl/user_parts.h"

static const char	*const keys[] = { "scram-sha-256", "scram-sha-1",
    NULL };

int
user_address(const struct config *cfg, const char *arg, struct address *out)
{
	struct address	 p, a;
	char		*name = saslprep(arg);	/* as logins have it */
	bool		 good;

	good = address_parse(slice_str(name), ADDRESS_LENIENT | ADDRESS_UTF8,
	    &p) == ADDRESS_OK && p.text[0] != '\0' && !p.literal &&
	    address_make(p.local, p.domain[0] == '\0' ? cfg->hostname :
	    p.domain, &a) == 0;
	saslprep_free(name);
	if (!good)
		return complain(EX_DATAERR, "%s: not a mail address",
		    shown(arg));
	text_lower_str(a.text);
	if (strpbrk(a.text, ":\" ") != NULL)
		return complain(EX_DATAERR, "%s: a user's name cannot hold "
		    "blanks, quotes or colons", shown(arg));
	if (!config_is_local(cfg, a.domain))
		return complain(EX_DATAERR, "%s: the domain is not in domains "
		    "of %s", shown(a.text), cfg->file);
	*out = a;
	return EX_OK;
}

bool
user_is_there(const struct config *cfg, const char *address)
{
	struct users_line	 l;
	struct buf		 text;
	bool			 there;

	buf_init(&text, USERS_FILE_MAX);
	there = io_read_file(AT_FDCWD, cfg->users_file, &text) == 0 &&
	    users_file_find(buf_slice(&text), address, cfg->hostname, &l);
	if (text.ptr != NULL)
		explicit_bzero(text.ptr, text.len);
	buf_free(&text);
	return there;
}

static int
make_keys(const struct config *cfg, const char *password,
    enum scram_hash hash, char out[SCRAM_KEYS_TEXT])
{
	struct scram_keys	 k = { .hash = hash, .salt_len = SCRAM_SALT,
	    .iterations = cfg->authd.scram_iterations };

	arc4random_buf(k.salt, k.salt_len);
	if (scram_keys_make(&k, password) == -1)
		return complain(EX_SOFTWARE, "cannot make keys for SCRAM: %s",
		    strerror(errno));
	scram_keys_print(&k, out);
	explicit_bzero(&k, sizeof(k));
	return EX_OK;
}

int
user_proofs_make(const struct config *cfg, const char *password,
    struct user_proofs *p)
{
	int	 code;

	memset(p, 0, sizeof(*p));
	if (password_hash(cfg->authd.scheme, password, p->secret,
	    sizeof(p->secret)) == -1)
		return complain(EX_SOFTWARE, "cannot hash by %s: %s",
		    cfg->authd.scheme, strerror(errno));
	code = make_keys(cfg, password, SCRAM_SHA_256, p->scram_sha_256);
	/* Weaker, so only where it is offered. */
	if (code == EX_OK &&
	    config_list_has(&cfg->authd.mechanisms, "SCRAM-SHA-1"))
		code = make_keys(cfg, password, SCRAM_SHA_1, p->scram_sha_1);
	return code;
}

static int
add_word(struct buf *out, const char *key, const char *value)
{
	if (value[0] == '\0')
		return 0;
	return buf_addf(out, "%s%s=%s", out->len > 0 ? " " : "", key, value);
}

int
user_proofs_words(struct buf *out, struct slice extra,
    const struct user_proofs *p)
{
	if (users_file_extra(out, extra, keys) == -1 ||
	    (p != NULL && (add_word(out, keys[0], p->scram_sha_256) == -1 ||
	    add_word(out, keys[1], p->scram_sha_1) == -1)))
		return complain(EX_DATAERR, "the line is too long");
	return EX_OK;
}

void
user_words_shown(struct slice extra, struct buf *out)
{
	(void)users_file_extra(out, extra, keys);
}

bool
user_file_good(const struct config *cfg, struct slice text, struct buf *err)
{
	struct users	*us = tables_users_text(cfg, text, err);

	users_free(us);
	return us != NULL;
}

int
user_line_add(struct change *c, const char *line)
{
	if (users_file_add(&c->new, buf_slice(&c->old), line) == -1)
		return complain(EX_DATAERR, "the line is too long");
	return change_write(c);
}

int
user_line_del(struct change *c, const struct users_line *l)
{
	if (users_file_del(&c->new, buf_slice(&c->old), l) == -1)
		return complain(EX_DATAERR, "the file is too large");
	return change_write(c);
}
