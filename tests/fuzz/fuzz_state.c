/* State files: whatever is in one, what is read can be written and read. */
#include <assert.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "lib/store/state.h"

int	 LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static int	 fd = -1;
	struct state	 s, t;
	const char	*why;
	size_t		 i;

	if (fd == -1)
		fd = memfd_create("state", MFD_CLOEXEC);
	if (ftruncate(fd, 0) == -1 ||
	    pwrite(fd, data, size, 0) != (ssize_t)size)
		return 0;
	if (state_read(fd, &s, &why) != STATE_OK)
		return 0;
	assert(s.nrcpts > 0 && s.from != NULL && s.end >= s.head);
	for (i = 0; i < s.nrcpts; i++)
		assert(state_set_letter(fd, &s.rcpts[i], STATE_BOUNCING,
		    7) == 0);
	assert(state_add_try(fd, &s, 5, 0, "4.0.0", "h", "again") == 0);
	assert(state_set_warned(fd, &s) == 0);
	assert(state_read(fd, &t, &why) == STATE_OK);
	assert(t.nrcpts == s.nrcpts && t.warned);
	assert(strcmp(t.rcpts[0].text, "again") == 0);
	for (i = 0; i < s.nrcpts; i++)
		assert(t.rcpts[i].letter == STATE_BOUNCING &&
		    strcmp(t.rcpts[i].address, s.rcpts[i].address) == 0);
	state_free(&s);
	state_free(&t);
	return 0;
}
