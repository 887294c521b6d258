/* Contract in facts.h. */
#include <sys/types.h>
#include <errno.h>
#include <sha2.h>
#include <string.h>
#include <unistd.h>

#include "imap-session/facts.h"
#include "imap-session/facts_form.h"
#include "imap-session/wire.h"
#include "lib/base/io.h"
#include "lib/base/log.h"
#include "lib/mail/part_text.h"
#include "lib/mail/preview.h"

/* Letters up to this are read at once. */
#define WHOLE		(256 * 1024)
/*
 * What a header section may need in front of it: mime.h looks so far ahead of
 * where it ends.
 */
#define HEADER_START	(FACTS_HEADER_MAX + 4096)
#define PIECE		65536

struct maker {
	struct folder	*folder;
	struct mime	 mime;
	struct buf	 file;		/* the letter, or its beginning */
	struct buf	 fact, other;
	int		 fd;
	bool		 whole;		/* file has all of it */
};

static void
maker_init(struct maker *k, struct folder *folder)
{
	memset(k, 0, sizeof(*k));
	k->folder = folder;
	mime_init(&k->mime);
	buf_init(&k->file, WHOLE);
	buf_init(&k->fact, FACTS_FORM_MAX);
	buf_init(&k->other, FACTS_FORM_MAX);
}

static void
maker_free(struct maker *k)
{
	mime_free(&k->mime);
	buf_free(&k->file);
	buf_free(&k->fact);
	buf_free(&k->other);
}

/* Have the first octets, at most len of them, in k->file. */
static int
read_start(struct maker *k, size_t len)
{
	buf_clear(&k->file);
	if (io_pread_buf(k->fd, &k->file, len, 0) == -1)
		return -1;
	k->whole = k->file.len < len;
	return 0;
}

static int
parse(struct maker *k)
{
	if (read_start(k, WHOLE) == -1)
		return -1;
	if (k->whole) {
		mime_parse_slice(&k->mime, buf_slice(&k->file));
		return 0;
	}
	return mime_parse_file(&k->mime, k->fd);
}

static void
keep(struct maker *k, uint32_t uid, enum facts_kind kind,
    const struct buf *fact)
{
	if (fact->len <= FACTS_KEPT_MAX)
		folder_fact_put(k->folder, uid, kind, buf_slice(fact));
}

/* Who wants one of the two wants the other soon. */
static int
make_forms(struct maker *k, uint32_t uid, enum facts_kind kind)
{
	bool		 search = kind == FACTS_SEARCH;
	struct buf	*st = search ? &k->other : &k->fact;
	struct buf	*se = search ? &k->fact : &k->other;

	if (parse(k) == -1 || facts_form_structure(&k->mime, st) == -1 ||
	    facts_form_search(&k->mime, se) == -1)
		return -1;
	keep(k, uid, FACTS_STRUCTURE, st);
	keep(k, uid, FACTS_SEARCH, se);
	return 0;
}

static int
make_header(struct maker *k)
{
	if (read_start(k, HEADER_START) == -1)
		return -1;
	return facts_form_header(&k->mime, buf_slice(&k->file), &k->fact);
}

static int
make_preview(struct maker *k)
{
	struct slice	 all;

	if (parse(k) == -1)
		return -1;
	if (!k->whole)
		return preview(&k->mime, part_read_fd, &k->fd, &k->fact);
	all = buf_slice(&k->file);
	return preview(&k->mime, part_read_slice, &all, &k->fact);
}

/* Of the wire form, so that it does not matter how the file ends its lines. */
static int
make_digest(struct maker *k)
{
	SHA2_CTX	 ctx;
	uint8_t		 md[SHA256_DIGEST_LENGTH];
	uint64_t	 at = 0;
	ssize_t		 n;
	char		*p;
	bool		 cr = false;

	SHA256Init(&ctx);
	buf_clear(&k->file);
	if ((p = buf_reserve(&k->file, PIECE)) == NULL)
		return -1;
	while ((n = part_read_fd(&k->fd, p, PIECE, at)) > 0) {
		at += (uint64_t)n;
		buf_clear(&k->other);
		if (wire_add(&k->other, (struct slice){ p, (size_t)n }, cr) ==
		    -1)
			return -1;
		cr = p[n - 1] == '\r';
		SHA256Update(&ctx, (uint8_t *)k->other.ptr, k->other.len);
	}
	SHA256Final(md, &ctx);
	return n == 0 ? buf_add(&k->fact, md, sizeof(md)) : -1;
}

/* Make the fact in k->fact and keep it.  0 or -1. */
static int
make(struct maker *k, uint32_t uid, enum facts_kind kind)
{
	int	 rc = -1;

	buf_clear(&k->fact);
	buf_clear(&k->other);
	if ((k->fd = folder_file(k->folder, uid)) == -1)
		return -1;
	switch (kind) {
	case FACTS_STRUCTURE:
	case FACTS_SEARCH:
		rc = make_forms(k, uid, kind);
		break;
	case FACTS_HEADER:
		rc = make_header(k);
		break;
	case FACTS_PREVIEW:
		rc = make_preview(k);
		break;
	case FACTS_DIGEST:
		rc = make_digest(k);
		break;
	}
	io_close(k->fd);
	if (rc == 0 && kind != FACTS_STRUCTURE && kind != FACTS_SEARCH)
		keep(k, uid, kind, &k->fact);
	return rc;
}

int
facts_get(struct folder *folder, uint32_t uid, enum facts_kind kind,
    struct buf *out)
{
	struct maker	 k;
	int		 rc;

	if (folder_fact(folder, uid, kind, out) == 1)
		return 0;
	maker_init(&k, folder);
	rc = make(&k, uid, kind);
	if (rc == 0)
		rc = buf_add(out, buf_cstr(&k.fact), k.fact.len);
	maker_free(&k);
	return rc;
}

static int
note(uint32_t uid, struct slice fact, void *arg)
{
	(void)fact;
	number_set_add(arg, uid, uid);
	return 0;
}

int
facts_make(struct folder *folder, const struct number_set *uids,
    enum facts_kind kind)
{
	struct number_set	 missing = { 0 }, there = { 0 };
	struct maker		 k;
	uint32_t		 uid;
	bool			 made = false;

	number_set_copy(&missing, uids);
	if (folder_facts(folder, kind, uids, note, &there) == 0)
		number_set_remove_set(&missing, &there);
	number_set_free(&there);
	maker_init(&k, folder);
	for (uid = number_set_next(&missing, 1); uid != 0;
	    uid = number_set_next(&missing, uid + 1)) {
		made = true;
		if (make(&k, uid, kind) == -1 && errno != ENOENT)
			log_warn("event=letter-unreadable folder=%s uid=%u",
			    log_esc(folder_dir(folder)), uid);
		if (uid == UINT32_MAX)
			break;
	}
	maker_free(&k);
	number_set_free(&missing);
	if (made)
		folder_facts_flush(folder);
	return 0;
}
