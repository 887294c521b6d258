/* A file that loads has sorted keys, and each name of it is found. */
#include <assert.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "lib/base/io.h"
#include "lib/mail/aliases.h"
#include "lib/mail/aliases_table.h"

int	 LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static bool
yes(const char *domain, void *arg)
{
	(void)domain;
	(void)arg;
	return true;
}

static bool
no(const char *local, const char *domain, void *arg)
{
	(void)local;
	(void)domain;
	(void)arg;
	return false;
}

static void
check(const struct aliases *a)
{
	struct aliases_result	*r;
	struct address		 addr;
	size_t			 i, k, n;

	for (i = 0; i < a->n; i++) {
		/* Fuzzed includes would read this machine's files. */
		for (k = 0; k < a->entries[i].n; k++)
			if (a->entries[i].results[k][0] == ':')
				return;
	}
	for (i = 0; i < a->n; i++) {
		if (a->entries[i].name[0] == '@') {
			assert(aliases_has(a, "zz", a->entries[i].name + 1,
			    true));
			continue;
		}
		assert(address_parse(slice_str(a->entries[i].name),
		    ADDRESS_LENIENT | ADDRESS_UTF8, &addr) == ADDRESS_OK);
		assert(aliases_has(a, addr.local, addr.domain, false));
		if (i < 20 && aliases_expand(a, &addr, "host", yes, no, NULL,
		    &r, &n) == ALIASES_OK) {
			assert(n > 0);
			aliases_results_free(r, n);
		}
	}
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static int	 fd = -1;
	char		 path[32];
	struct aliases	*a;
	struct buf	 err;

	if (fd == -1 && (fd = memfd_create("aliases", MFD_CLOEXEC)) == -1)
		abort();
	if (ftruncate(fd, 0) == -1 ||
	    io_pwrite_all(fd, data, size, 0) == -1)
		abort();
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	buf_init(&err, 4096);
	a = aliases_load(path, &err);
	assert(a != NULL);
	check(a);
	aliases_free(a);
	buf_free(&err);
	return 0;
}
