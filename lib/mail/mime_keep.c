/* Contract in mime_keep.h. */
#include "lib/base/text.h"
#include "lib/base/xmalloc.h"
#include "lib/mail/mime_keep.h"

static const char *const	 names[MIME_KEEP_COUNT] = {
	[MIME_KEEP_TYPE] = "Content-Type",
	[MIME_KEEP_TRANSFER] = "Content-Transfer-Encoding",
	[MIME_KEEP_ID] = "Content-ID",
	[MIME_KEEP_DESCRIPTION] = "Content-Description",
	[MIME_KEEP_MD5] = "Content-MD5",
	[MIME_KEEP_DISPOSITION] = "Content-Disposition",
	[MIME_KEEP_LANGUAGE] = "Content-Language",
	[MIME_KEEP_LOCATION] = "Content-Location",
	[MIME_KEEP_DATE] = "Date",
	[MIME_KEEP_SUBJECT] = "Subject",
	[MIME_KEEP_FROM] = "From",
	[MIME_KEEP_SENDER] = "Sender",
	[MIME_KEEP_REPLY_TO] = "Reply-To",
	[MIME_KEEP_TO] = "To",
	[MIME_KEEP_CC] = "Cc",
	[MIME_KEEP_BCC] = "Bcc",
	[MIME_KEEP_IN_REPLY_TO] = "In-Reply-To",
	[MIME_KEEP_MESSAGE_ID] = "Message-ID",
	[MIME_KEEP_REFERENCES] = "References"
};

static bool
find_name(struct slice name, bool root, enum mime_keep *which)
{
	int	 i = MIME_KEEP_DATE, end = MIME_KEEP_COUNT;

	if (name.len > 8 && text_lower(name.ptr[0]) == 'c' &&
	    name.ptr[7] == '-') {
		i = 0;
		end = MIME_KEEP_DATE;
	} else if (!root) {
		return false;
	}
	for (; i < end; i++)
		if (slice_is(name, names[i])) {
			*which = (enum mime_keep)i;
			return true;
		}
	return false;
}

bool
mime_keep_begin(struct mime *m, struct slice name, bool root)
{
	enum mime_keep	 which;

	if (!find_name(name, root, &which))
		return false;
	if (m->nkept == MIME_KEPT) {
		m->cut = true;
		return false;
	}
	if (m->nkept == m->kept_size) {
		m->kept_size = m->kept_size == 0 ? 32 : m->kept_size * 2;
		m->kept = xreallocarray(m->kept, m->kept_size,
		    sizeof(*m->kept));
	}
	m->kept[m->nkept].which = which;
	m->kept[m->nkept].offset = (uint32_t)m->values.len;
	m->kept[m->nkept].len = 0;
	m->nkept++;
	return true;
}

bool
mime_keep_add(struct mime *m, const char *data, size_t len)
{
	if (buf_add(&m->values, data, len) == -1) {
		m->cut = true;
		return false;
	}
	m->kept[m->nkept - 1].len += (uint32_t)len;
	return true;
}

void
mime_keep_end(struct mime *m)
{
	struct mime_kept	*k = &m->kept[m->nkept - 1];
	const char		*v = buf_cstr(&m->values) + k->offset;

	if (k->len > 0 && v[k->len - 1] == '\n')
		k->len--;
	if (k->len > 0 && v[k->len - 1] == '\r')
		k->len--;
}
