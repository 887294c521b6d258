/* Contract and file format in envelope.h.  Parsing does no I/O. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "lib/base/io.h"
#include "lib/base/text.h"
#include "lib/base/xmalloc.h"
#include "lib/store/envelope.h"

#define RCPT_LINE_MIN	7		/* "rcpt a" LF */
#define ARRIVED_MAX	(INT64_C(1) << 35)	/* seconds; an id's range */

struct word {
	const char	*name;
	int		 bit;
};

static const struct word	 flag_words[] = {
	{ "8bit", ENVELOPE_8BIT },
	{ "dots", ENVELOPE_DOTS },
	{ "longline", ENVELOPE_LONGLINE },
	{ "utf8", ENVELOPE_UTF8 },
	{ "binary", ENVELOPE_BINARY },
	{ "bounce", ENVELOPE_BOUNCE },
	{ "bare", ENVELOPE_BARE },
	{ NULL, 0 }
};

static const struct word	 notify_words[] = {
	{ "NEVER", NOTIFY_NEVER },
	{ "SUCCESS", NOTIFY_SUCCESS },
	{ "FAILURE", NOTIFY_FAILURE },
	{ "DELAY", NOTIFY_DELAY },
	{ NULL, 0 }
};

/* What is left to read, and the first thing that was wrong. */
struct reader {
	struct slice		 left;
	enum envelope_status	 status;
	const char		*why;
	bool			 whole;	/* nothing more is to come */
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
put_words(struct buf *out, const char *key, const struct word *words,
    int bits, char first, char sep)
{
	const struct word	*w;
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
	if (put_words(out, " notify", notify_words, r->notify, '=', ',') == -1)
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
	if (env->flags != 0 && (put_words(out, "flags", flag_words,
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
	    env->arrived / 1000000 >= ARRIVED_MAX) {
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

/* The first fault stays. */
static bool
fail(struct reader *r, enum envelope_status status, const char *why)
{
	if (r->status == ENVELOPE_OK) {
		r->status = status;
		r->why = why;
	}
	return false;
}

/*
 * Take the next line when it begins with key and a blank; value is what
 * follows.  False without a fault when it is another line.
 */
static bool
take(struct reader *r, const char *key, struct slice *value)
{
	size_t		 klen = strlen(key), len;
	const char	*lf;

	if (r->status != ENVELOPE_OK)
		return false;
	lf = r->left.len == 0 ? NULL : memchr(r->left.ptr, '\n', r->left.len);
	if (lf == NULL)
		return fail(r, r->whole && (r->left.len == 0 ||
		    memchr(r->left.ptr, '\0', r->left.len) == NULL) ?
		    ENVELOPE_CORRUPT : ENVELOPE_PARTIAL, "no end line");
	len = (size_t)(lf - r->left.ptr);
	if (len <= klen || r->left.ptr[klen] != ' ' ||
	    memcmp(r->left.ptr, key, klen) != 0)
		return false;
	value->ptr = r->left.ptr + klen + 1;
	value->len = len - klen - 1;
	r->left.ptr += len + 1;
	r->left.len -= len + 1;
	return true;
}

static uint64_t
take_number(struct reader *r, const char *key, uint64_t max)
{
	struct slice	 v;
	uint64_t	 n;

	if (!take(r, key, &v) || text_u64(v, max, &n) == -1) {
		fail(r, ENVELOPE_CORRUPT, key);
		return 0;
	}
	return n;
}

/* Decode one value; NULL with a fault.  The caller's to free. */
static char *
decode(struct reader *r, const char *key, struct slice v, bool empty)
{
	struct buf	 b;
	char		*s = NULL;
	size_t		 i;

	for (i = 0; i < v.len; i++)
		if (text_is_control(v.ptr[i]) || v.ptr[i] == ' ' ||
		    v.ptr[i] == '=') {
			fail(r, ENVELOPE_CORRUPT, key);
			return NULL;
		}
	buf_init(&b, ENVELOPE_VALUE_MAX);
	if ((v.len == 0 && !empty) || text_xdecode(&b, v) == -1)
		goto out;
	for (i = 0; i < b.len; i++)
		if (text_is_control(b.ptr[i]))
			goto out;
	s = xstrndup(buf_cstr(&b), b.len);
out:
	if (s == NULL)
		fail(r, ENVELOPE_CORRUPT, key);
	buf_free(&b);
	return s;
}

static char *
take_optional(struct reader *r, const char *key)
{
	struct slice	 v;

	return take(r, key, &v) ? decode(r, key, v, false) : NULL;
}

/* Cut s at the first sep: the part before it. */
static struct slice
cut(struct slice *s, char sep)
{
	const char	*p = s->len == 0 ? NULL : memchr(s->ptr, sep, s->len);
	struct slice	 part = *s;

	if (p == NULL) {
		s->len = 0;
		return part;
	}
	part.len = (size_t)(p - s->ptr);
	s->ptr = p + 1;
	s->len -= part.len + 1;
	return part;
}

/* Words apart by sep, each at most once; 0 and a fault for none. */
static int
decode_words(struct reader *r, const char *key, const struct word *words,
    struct slice v, char sep)
{
	const struct word	*w;
	struct slice		 part;
	int			 bits = 0;

	if (v.len == 0 || v.ptr[v.len - 1] == sep)
		fail(r, ENVELOPE_CORRUPT, key);
	do {
		part = cut(&v, sep);
		for (w = words; w->name != NULL; w++)
			if (slice_eq(part, slice_str(w->name)))
				break;
		if (w->name == NULL || (bits & w->bit) != 0) {
			fail(r, ENVELOPE_CORRUPT, key);
			return 0;
		}
		bits |= w->bit;
	} while (v.len > 0);
	return bits;
}

static int64_t
take_arrived(struct reader *r)
{
	struct slice	 v, sec;
	uint64_t	 s, us;

	if (!take(r, "arrived", &v))
		goto bad;
	sec = cut(&v, '.');
	if (text_u64(sec, (uint64_t)ARRIVED_MAX - 1, &s) == -1 || v.len != 6 ||
	    text_u64(v, 999999, &us) == -1)
		goto bad;
	return (int64_t)(s * 1000000 + us);
bad:
	fail(r, ENVELOPE_CORRUPT, "arrived");
	return 0;
}

static void
take_optionals(struct reader *r, struct envelope *env)
{
	struct slice	 v;
	uint64_t	 n;

	env->client_ip = take_optional(r, "client-ip");
	env->client_helo = take_optional(r, "client-helo");
	env->client_name = take_optional(r, "client-name");
	env->auth = take_optional(r, "auth");
	if (take(r, "uid", &v)) {
		if (text_u64(v, UINT32_MAX - 1, &n) == 0)
			env->uid = (long)n;
		else
			fail(r, ENVELOPE_CORRUPT, "uid");
	}
	if (take(r, "flags", &v))
		env->flags = decode_words(r, "flags", flag_words, v, ' ');
	if (take(r, "ret", &v)) {
		if (slice_eq(v, SLICE_LIT("FULL")))
			env->ret = RET_FULL;
		else if (slice_eq(v, SLICE_LIT("HDRS")))
			env->ret = RET_HDRS;
		else
			fail(r, ENVELOPE_CORRUPT, "ret");
	}
	env->envid = take_optional(r, "envid");
}

/* "address[ notify=WORDS][ orcpt=value]" */
static void
decode_rcpt(struct reader *r, struct slice v, struct envelope *env)
{
	struct slice	 part;
	char		*address, *orcpt = NULL;
	int		 notify = 0;

	if (v.len == 0 || v.ptr[v.len - 1] == ' ')
		fail(r, ENVELOPE_CORRUPT, "rcpt");
	address = decode(r, "rcpt", cut(&v, ' '), false);
	if (v.len > 7 && memcmp(v.ptr, "notify=", 7) == 0) {
		part = cut(&v, ' ');
		part.ptr += 7;
		part.len -= 7;
		notify = decode_words(r, "notify", notify_words, part, ',');
		if ((notify & NOTIFY_NEVER) != 0 && notify != NOTIFY_NEVER)
			fail(r, ENVELOPE_CORRUPT, "notify");
	}
	if (v.len > 6 && memcmp(v.ptr, "orcpt=", 6) == 0) {
		part = cut(&v, ' ');
		part.ptr += 6;
		part.len -= 6;
		orcpt = decode(r, "orcpt", part, false);
	}
	if (v.len != 0)
		fail(r, ENVELOPE_CORRUPT, "rcpt");
	if (r->status == ENVELOPE_OK)
		envelope_add_rcpt(env, address, orcpt, notify);
	free(address);
	free(orcpt);
}

static void
take_rcpts(struct reader *r, struct envelope *env)
{
	struct slice	 v;
	uint64_t	 n;

	n = take_number(r, "rcpts", ENVELOPE_RCPTS);
	if (n == 0)
		fail(r, ENVELOPE_CORRUPT, "rcpts");
	for (; n > 0 && r->status == ENVELOPE_OK; n--) {
		if (take(r, "rcpt", &v))
			decode_rcpt(r, v, env);
		else
			fail(r, ENVELOPE_CORRUPT, "fewer rcpt than rcpts");
	}
}

/* The first two lines, which say how much to read. */
static uint32_t
take_block(struct reader *r)
{
	uint64_t	 n;

	/* NUL first: blocks allocated and never written before a crash. */
	if (r->left.len > 0 && r->left.ptr[0] == '\0')
		fail(r, ENVELOPE_PARTIAL, "never written");
	if (take_number(r, "merpati", 1) != 1)
		fail(r, ENVELOPE_CORRUPT, "merpati");
	n = take_number(r, "block", ENVELOPE_MAX);
	if (n == 0 || n % ENVELOPE_BLOCK != 0)
		fail(r, ENVELOPE_CORRUPT, "block");
	return (uint32_t)n;
}

/* After the last rcpt: "end", LFs, and head octets of header lines. */
static void
take_end(struct reader *r, const struct envelope *env)
{
	struct slice	 left;

	if (r->status != ENVELOPE_OK)
		return;
	left = r->left;
	if (left.len < 4 || memcmp(left.ptr, "end\n", 4) != 0) {
		fail(r, ENVELOPE_CORRUPT,
		    "an unknown, repeated or misplaced key");
		return;
	}
	left.ptr += 4;
	left.len -= 4;
	if (env->head > left.len) {
		fail(r, ENVELOPE_CORRUPT, "head");
		return;
	}
	if (env->head > 0 && (env->head < 2 ||
	    memcmp(left.ptr + left.len - 2, "\r\n", 2) != 0))
		fail(r, ENVELOPE_CORRUPT, "head");
	for (left.len -= env->head; left.len > 0; left.ptr++, left.len--)
		if (*left.ptr != '\n') {
			fail(r, *left.ptr == '\0' ? ENVELOPE_PARTIAL :
			    ENVELOPE_CORRUPT, "padding");
			return;
		}
}

enum envelope_status
envelope_parse(struct slice block, struct envelope *out, const char **why)
{
	struct reader	 r = { block, ENVELOPE_OK, NULL, false };
	struct slice	 v;

	envelope_init(out);
	out->block = take_block(&r);
	if (r.status == ENVELOPE_OK && block.len != out->block)
		fail(&r, block.len < out->block ?
		    ENVELOPE_PARTIAL : ENVELOPE_CORRUPT, "block");
	r.whole = true;
	out->size = take_number(&r, "size", INT64_MAX - ENVELOPE_MAX);
	out->head = (uint32_t)take_number(&r, "head", ENVELOPE_MAX);
	out->arrived = take_arrived(&r);
	if (take(&r, "from", &v))
		out->from = decode(&r, "from", v, true);
	else
		fail(&r, ENVELOPE_CORRUPT, "from");
	take_optionals(&r, out);
	take_rcpts(&r, out);
	take_end(&r, out);
	if (r.status != ENVELOPE_OK)
		envelope_free(out);
	if (why != NULL)
		*why = r.why;
	return r.status;
}

/* Read the whole block: 4096 octets first, the rest when it says so. */
static enum envelope_status
read_block(int fd, off_t st_size, struct buf *block, const char **why)
{
	struct reader	 r = { { NULL, 0 }, ENVELOPE_OK, NULL, false };
	uint32_t	 size = ENVELOPE_BLOCK;
	ssize_t		 n;
	char		*p;

	if ((p = buf_reserve(block, ENVELOPE_BLOCK)) == NULL ||
	    (n = io_pread_full(fd, p, ENVELOPE_BLOCK, 0)) == -1)
		return ENVELOPE_ERROR;
	block->len = (size_t)n;
	r.left = buf_slice(block);
	r.whole = n == ENVELOPE_BLOCK;
	size = take_block(&r);
	if (r.status != ENVELOPE_OK || size == ENVELOPE_BLOCK) {
		*why = r.why;
		return r.status;
	}
	/* Never allocate what the file does not hold. */
	if (st_size < (off_t)size) {
		*why = "shorter than its block";
		return ENVELOPE_PARTIAL;
	}
	if ((p = buf_reserve(block, size - block->len)) == NULL ||
	    (n = io_pread_full(fd, p, size - block->len,
	    (off_t)block->len)) == -1)
		return ENVELOPE_ERROR;
	block->len += (size_t)n;
	return ENVELOPE_OK;
}

enum envelope_status
envelope_read(int fd, struct envelope *out, const char **why)
{
	enum envelope_status	 status;
	struct stat		 st;
	struct buf		 block;
	const char		*reason = NULL;
	uint64_t		 whole;

	envelope_init(out);
	buf_init(&block, ENVELOPE_MAX);
	if (fstat(fd, &st) == -1)
		status = ENVELOPE_ERROR;
	else if (!S_ISREG(st.st_mode)) {
		status = ENVELOPE_CORRUPT;
		reason = "not a regular file";
	} else
		status = read_block(fd, st.st_size, &block, &reason);
	if (status == ENVELOPE_OK)
		status = envelope_parse(buf_slice(&block), out, &reason);
	if (status == ENVELOPE_OK) {
		whole = out->block + out->size;
		if ((uint64_t)st.st_size < whole) {
			status = ENVELOPE_PARTIAL;
			reason = "shorter than declared";
		} else if ((uint64_t)st.st_size > whole) {
			status = ENVELOPE_CORRUPT;
			reason = "longer than declared";
		}
		if (status != ENVELOPE_OK)
			envelope_free(out);
	}
	buf_free(&block);
	if (why != NULL)
		*why = reason;
	return status;
}
