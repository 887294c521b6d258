/* ENVELOPE (contract in imap_body.h). */
#include <stdbool.h>

#include "lib/mail/address_read.h"
#include "lib/mail/imap_body.h"
#include "lib/mail/imap_string.h"

struct list {
	struct buf	*out;
	bool		 open;
};

static int
add_address(const struct address_item *a, void *arg)
{
	struct slice	 local = SLICE_LIT("MISSING_MAILBOX");
	struct slice	 domain = SLICE_LIT("MISSING_DOMAIN");
	struct list	*l = arg;

	if (buf_addstr(l->out, l->open ? "(" : "((") == -1)
		return -1;
	l->open = true;
	switch (a->kind) {
	case ADDRESS_ITEM_MAILBOX:
		break;
	case ADDRESS_ITEM_GROUP:
		if (buf_addstr(l->out, "NIL NIL ") == -1 ||
		    imap_string_add(l->out, a->name) == -1)
			return -1;
		return buf_addstr(l->out, " NIL)");
	case ADDRESS_ITEM_GROUP_END:
		return buf_addstr(l->out, "NIL NIL NIL NIL)");
	}
	if (a->local.ptr != NULL)
		local = a->local;
	if (a->domain.ptr != NULL)
		domain = a->domain;
	if (imap_nstring_add(l->out, a->name) == -1 ||
	    buf_addc(l->out, ' ') == -1 ||
	    imap_nstring_add(l->out, a->route) == -1 ||
	    buf_addc(l->out, ' ') == -1 ||
	    imap_string_add(l->out, local) == -1 ||
	    buf_addc(l->out, ' ') == -1 ||
	    imap_string_add(l->out, domain) == -1)
		return -1;
	return buf_addc(l->out, ')');
}

/* other: instead of a field that is not there, or that is blanks alone. */
static int
add_addresses(struct buf *out, const struct mime *m, uint32_t root,
    enum mime_keep which, struct slice other)
{
	struct list	 l = { out, false };
	struct slice	 v;
	size_t		 i;

	for (i = 0; mime_field(m, root, which, i, &v); i++)
		if (address_read(v, add_address, &l) == -1)
			return -1;
	if (l.open)
		return buf_addc(out, ')');
	return buf_add(out, other.ptr, other.len);
}

/* RFC 9051 7.5.2: without Sender or Reply-To it is who stands in From. */
static int
add_senders(struct buf *out, const struct mime *m, uint32_t root)
{
	static const enum mime_keep	 fields[] = { MIME_KEEP_SENDER,
					    MIME_KEEP_REPLY_TO };
	struct buf			 from;
	size_t				 i;
	int				 rc;

	buf_init(&from, out->max);
	rc = add_addresses(&from, m, root, MIME_KEEP_FROM, SLICE_LIT("NIL"));
	if (rc == 0)
		rc = buf_add(out, from.ptr, from.len);
	for (i = 0; rc == 0 && i < 2; i++)
		if ((rc = buf_addc(out, ' ')) == 0)
			rc = add_addresses(out, m, root, fields[i],
			    buf_slice(&from));
	buf_free(&from);
	return rc;
}

static int
add_text(struct buf *out, const struct mime *m, uint32_t root,
    enum mime_keep which)
{
	struct slice	 v = { NULL, 0 };

	(void)mime_field(m, root, which, 0, &v);
	return imap_field_add(out, v);
}

int
imap_envelope_add(struct buf *out, const struct mime *m, uint32_t root)
{
	static const enum mime_keep	 lists[] = { MIME_KEEP_TO,
					    MIME_KEEP_CC, MIME_KEEP_BCC };
	size_t				 i;

	if (buf_addc(out, '(') == -1 ||
	    add_text(out, m, root, MIME_KEEP_DATE) == -1 ||
	    buf_addc(out, ' ') == -1 ||
	    add_text(out, m, root, MIME_KEEP_SUBJECT) == -1 ||
	    buf_addc(out, ' ') == -1 || add_senders(out, m, root) == -1)
		return -1;
	for (i = 0; i < sizeof(lists) / sizeof(lists[0]); i++)
		if (buf_addc(out, ' ') == -1 ||
		    add_addresses(out, m, root, lists[i],
		    SLICE_LIT("NIL")) == -1)
			return -1;
	if (buf_addc(out, ' ') == -1 ||
	    add_text(out, m, root, MIME_KEEP_IN_REPLY_TO) == -1 ||
	    buf_addc(out, ' ') == -1 ||
	    add_text(out, m, root, MIME_KEEP_MESSAGE_ID) == -1)
		return -1;
	return buf_addc(out, ')');
}
