/* Making an envelope.  Contract and file format in envelope.h. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/text.h"
#include "lib/base/xmalloc.h"
#include "lib/store/envelope.h"
#include "lib/store/envelope_words.h"

const struct envelope_word	 envelope_flag_words[] = {
	{ "8bit", ENVELOPE_8BIT },
	{ "dots", ENVELOPE_DOTS },
	{ "longline", ENVELOPE_LONGLINE },
	{ "utf8", ENVELOPE_UTF8 },
	{ "binary", ENVELOPE_BINARY },
	{ "bounce", ENVELOPE_BOUNCE },
	{ "bare", ENVELOPE_BARE },
	{ NULL, 0 }
};

const struct envelope_word	 envelope_notify_words[] = {
	{ "NEVER", NOTIFY_NEVER },
	{ "SUCCESS", NOTIFY_SUCCESS },
	{ "FAILURE", NOTIFY_FAILURE },
	{ "DELAY", NOTIFY_DELAY },
	{ NULL, 0 }
};

void
envelope_init(struct envelope *env)
{
	memset(env, 0, sizeof(*env));
	env->uid = -1;
}

void
envelope_free(struct envelope *env)
{
	size_t	 i;

	for (i = 0; i < env->nrcpts; i++) {
		free(env->rcpts[i].address);
		free(env->rcpts[i].orcpt);
	}
	free(env->rcpts);
	free(env->from);
	free(env->client_ip);
	free(env->client_helo);
	free(env->client_name);
	free(env->auth);
	free(env->envid);
	envelope_init(env);
}

void
envelope_add_rcpt(struct envelope *env, const char *address,
    const char *orcpt, int notify)
{
	struct envelope_rcpt	*r;

	/* Room doubles: at 0, 1, 2, 4, 8 ... recipients. */
	if ((env->nrcpts & (env->nrcpts - 1)) == 0)
		env->rcpts = xreallocarray(env->rcpts,
		    env->nrcpts == 0 ? 1 : env->nrcpts * 2,
		    sizeof(*env->rcpts));
	r = &env->rcpts[env->nrcpts++];
	r->address = xstrdup(address);
	r->orcpt = orcpt == NULL || *orcpt == '\0' ? NULL : xstrdup(orcpt);
	r->notify = notify;
}

/* xtext needs no change for these octets. */
static bool
is_plain(struct slice s)
{
	size_t		 i;
	unsigned char	 c;

	for (i = 0; i < s.len; i++) {
		c = (unsigned char)s.ptr[i];
		if (c <= 0x20 || c >= 0x7f || c == '+' || c == '=')
			return false;
	}
	return true;
}

/* Append value, encoded; octets that are not UTF-8 become "+HH" as well. */
static int
put_value(struct buf *out, const char *value)
{
	struct slice	 s = slice_str(value);
	size_t		 i;

	if (s.len > ENVELOPE_VALUE_MAX) {
		errno = EMSGSIZE;
		return -1;
	}
	if (is_plain(s))
		return buf_add(out, s.ptr, s.len);
	for (i = 0; i < s.len; i++)
		if (text_is_control(s.ptr[i])) {
			errno = EINVAL;
			return -1;
		}
	return text_xencode(out, s, text_is_utf8(s));
}

/* An optional line: nothing for NULL or "". */
static int
put_line(struct buf *out, const char *key, const char *value)
{
	if (value == NULL || *value == '\0')
		return 0;
	if (buf_addstr(out, key) == -1 || buf_addc(out, ' ') == -1 ||
	    put_value(out, value) == -1)
		return -1;
	return buf_addc(out, '\n');
}

static int
put_words(struct buf *out, const char *key, const struct envelope_word *words,
    int bits, char first, char sep)
{
	const struct envelope_word	*w;
	int			 all = 0;

	if (bits == 0)
		return 0;
	if (buf_addstr(out, key) == -1)
		return -1;
	for (w = words; w->name != NULL; w++) {
		all |= w->bit;
		if ((bits & w->bit) == 0)
			continue;
		if (buf_addc(out, first) == -1 ||
		    buf_addstr(out, w->name) == -1)
			return -1;
		first = sep;
	}
	if ((bits & ~all) != 0) {
		errno = EINVAL;
		return -1;
	}
	return 0;
}

static int
put_rcpt(struct buf *out, const struct envelope_rcpt *r)
{
	if (*r->address == '\0' || ((r->notify & NOTIFY_NEVER) != 0 &&
	    r->notify != NOTIFY_NEVER)) {
		errno = EINVAL;
		return -1;
	}
	if (buf_addstr(out, "rcpt ") == -1 || put_value(out, r->address) == -1)
		return -1;
	if (put_words(out, " notify", envelope_notify_words, r->notify, '=',
	    ',') == -1)
		return -1;
	if (r->orcpt != NULL && (buf_addstr(out, " orcpt=") == -1 ||
	    put_value(out, r->orcpt) == -1))
		return -1;
	return buf_addc(out, '\n');
}

static int
put_optional(struct buf *out, const struct envelope *env)
{
	if (put_line(out, "client-ip", env->client_ip) == -1 ||
	    put_line(out, "client-helo", env->client_helo) == -1 ||
	    put_line(out, "client-name", env->client_name) == -1 ||
	    put_line(out, "auth", env->auth) == -1)
		return -1;
	if (env->uid >= 0 && buf_addf(out, "uid %ld\n", env->uid) == -1)
		return -1;
	if (env->flags != 0 && (put_words(out, "flags", envelope_flag_words,
	    env->flags, ' ', ' ') == -1 || buf_addc(out, '\n') == -1))
		return -1;
	if (env->ret != RET_UNSET && buf_addstr(out,
	    env->ret == RET_HDRS ? "ret HDRS\n" : "ret FULL\n") == -1)
		return -1;
	return put_line(out, "envid", env->envid);
}

int
envelope_format(const struct envelope *env, struct buf *out)
{
	size_t	 i;

	if (env->from == NULL || env->nrcpts == 0 || env->arrived < 0 ||
	    env->arrived / 1000000 >= ENVELOPE_ARRIVED_MAX) {
		errno = EINVAL;
		return -1;
	}
	if (env->nrcpts > ENVELOPE_RCPTS) {
		errno = EMSGSIZE;
		return -1;
	}
	if (buf_addf(out, "merpati 1\nblock %lu\nsize %llu\nhead %lu\n"
	    "arrived %lld.%06lld\nfrom ", (unsigned long)env->block,
	    (unsigned long long)env->size, (unsigned long)env->head,
	    (long long)(env->arrived / 1000000),
	    (long long)(env->arrived % 1000000)) == -1 ||
	    put_value(out, env->from) == -1 || buf_addc(out, '\n') == -1 ||
	    put_optional(out, env) == -1 ||
	    buf_addf(out, "rcpts %zu\n", env->nrcpts) == -1)
		return -1;
	for (i = 0; i < env->nrcpts; i++)
		if (put_rcpt(out, &env->rcpts[i]) == -1)
			return -1;
	return buf_addstr(out, "end\n");
}

uint32_t
envelope_block_for(const struct envelope *env, size_t head)
{
	struct envelope	 most = *env;
	struct buf	 text;
	size_t		 need = 0;

	/* The numbers are not known yet: take the longest. */
	most.block = most.head = UINT32_MAX;
	most.size = UINT64_MAX;
	buf_init(&text, ENVELOPE_MAX);
	if (envelope_format(&most, &text) == 0)
		need = text.len;
	buf_free(&text);
	if (need == 0 || head > ENVELOPE_MAX - need)
		return 0;
	need = (need + head + ENVELOPE_BLOCK - 1) / ENVELOPE_BLOCK;
	return (uint32_t)(need * ENVELOPE_BLOCK);
}
