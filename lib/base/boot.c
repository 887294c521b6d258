/* Contract in boot.h. */
#include <fcntl.h>
#include <unistd.h>

#include "lib/base/boot.h"
#include "lib/base/io.h"

static char	 id[BOOT_ID_LEN + 1];

const char *
boot_id(void)
{
	ssize_t	 n = 0, i;
	int	 fd;

	if (id[0] != '\0')
		return id;
	fd = open("/proc/sys/kernel/random/boot_id", O_RDONLY | O_CLOEXEC);
	if (fd != -1)
		n = io_pread_full(fd, id, BOOT_ID_LEN, 0);
	io_close(fd);
	for (i = 0; i < n && id[i] > ' '; i++)
		;
	if (i != BOOT_ID_LEN) {
		id[0] = '-';
		i = 1;
	}
	id[i] = '\0';
	return id;
}
