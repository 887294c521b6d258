/* What a client calls a mailbox never leaves the Maildir, and comes back. */
#include <assert.h>
#include <stdint.h>

#include "lib/mail/mailbox_name.h"

int	 LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
check(struct slice name)
{
	struct buf	 dir, back, wire;

	buf_init(&dir, 5000);
	buf_init(&back, 5000);
	buf_init(&wire, 10000);
	if (mailbox_name_to_dir(name, &dir) == 0) {
		assert(dir.len <= MAILBOX_DIR_MAX && dir.ptr[0] == '.');
		assert(memchr(dir.ptr, '/', dir.len) == NULL);
		assert(memchr(dir.ptr, '\0', dir.len) == NULL);
		assert(dir.len == 1 ? slice_is(name, "INBOX") :
		    dir.ptr[1] != '.');
		assert(mailbox_name_from_dir(buf_cstr(&dir), &back) == 0);
		assert(slice_eq(buf_slice(&back), name));
		assert(mailbox_name_put(&wire, name, false) == 0);
		assert(mailbox_name_matches(name, name));
	}
	buf_free(&dir);
	buf_free(&back);
	buf_free(&wire);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct slice	 s = { (const char *)data, size };
	struct buf	 name, coded;

	if (size == 0)
		return 0;
	s.ptr++;
	s.len--;
	buf_init(&name, 5000);
	if (mailbox_name_read(s, data[0] & 1, &name, NULL) ==
	    MAILBOX_NAME_OK)
		check(buf_slice(&name));
	buf_clear(&name);
	buf_init(&coded, 5000);
	if (size < 1000 && mutf7_decode(s, &name) == 0) {
		assert(mutf7_encode(buf_slice(&name), &coded) == 0);
		assert(slice_eq(buf_slice(&coded), s));
	}
	buf_free(&name);
	buf_free(&coded);
	return 0;
}
