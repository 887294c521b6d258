/* Reading an envelope.  Contract in envelope.h.  Parsing does no I/O. */
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "lib/base/io.h"
#include "lib/base/text.h"
#include "lib/base/xmalloc.h"
#include "lib/store/envelope.h"
#include "lib/store/envelope_words.h"

/* What is left to read, and the first thing that was wrong. */
struct reader {
	struct slice		 left;
	enum envelope_status	 status;
	const char		*why;
	bool			 whole;	/* nothing more is to come */
};

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

/* Words apart by sep, each at most once; 0 and a fault for none. */
static int
decode_words(struct reader *r, const char *key,
    const struct envelope_word *words, struct slice v, char sep)
{
	const struct envelope_word	*w;
	struct slice		 part;
	int			 bits = 0;

	if (v.len == 0 || v.ptr[v.len - 1] == sep)
		fail(r, ENVELOPE_CORRUPT, key);
	do {
		part = text_cut(&v, sep);
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
	sec = text_cut(&v, '.');
	if (text_u64(sec, (uint64_t)ENVELOPE_ARRIVED_MAX - 1, &s) == -1 ||
	    v.len != 6 || text_u64(v, 999999, &us) == -1)
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
		env->flags = decode_words(r, "flags", envelope_flag_words, v,
		    ' ');
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
	address = decode(r, "rcpt", text_cut(&v, ' '), false);
	if (v.len > 7 && memcmp(v.ptr, "notify=", 7) == 0) {
		part = text_cut(&v, ' ');
		part.ptr += 7;
		part.len -= 7;
		notify = decode_words(r, "notify", envelope_notify_words,
		    part, ',');
		if ((notify & NOTIFY_NEVER) != 0 && notify != NOTIFY_NEVER)
			fail(r, ENVELOPE_CORRUPT, "notify");
	}
	if (v.len > 6 && memcmp(v.ptr, "orcpt=", 6) == 0) {
		part = text_cut(&v, ' ');
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

	if (io_pread_buf(fd, block, ENVELOPE_BLOCK, 0) == -1)
		return ENVELOPE_ERROR;
	r.left = buf_slice(block);
	r.whole = block->len == ENVELOPE_BLOCK;
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
	return io_pread_buf(fd, block, size - block->len,
	    (off_t)block->len) == -1 ? ENVELOPE_ERROR : ENVELOPE_OK;
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
