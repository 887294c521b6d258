/* Contract in torn.h. */
#include <errno.h>
#include <string.h>

#include "lib/base/io.h"
#include "lib/store/torn.h"

#define PIECE	65536

int
torn_check(int fd, const struct envelope *env)
{
	static char	 piece[PIECE];
	uint64_t	 left = env->size;
	off_t		 at = (off_t)env->block;
	size_t		 want;
	ssize_t		 n;

	for (; left > 0; left -= (uint64_t)n, at += n) {
		want = left < PIECE ? (size_t)left : PIECE;
		if ((n = io_pread_full(fd, piece, want, at)) == -1)
			return -1;
		if (n == 0) {
			errno = EIO;	/* it was whole a moment ago */
			return -1;
		}
		if (memchr(piece, '\0', (size_t)n) != NULL)
			return 1;
	}
	return 0;
}
