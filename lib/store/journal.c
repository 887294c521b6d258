/* Contract in journal.h. */
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

#include "lib/store/journal.h"

#define MOUNTS	"/proc/self/mountinfo"	/* proc(5) */

/* One of the lines "36 35 98:0 /root /mnt rw,noatime shared:1 - ext4 /dev/.." */
static bool
line_says_ordered(const char *line, dev_t dev)
{
	unsigned int	 maj, min;
	const char	*type;

	if (sscanf(line, "%*d %*d %u:%u", &maj, &min) != 2 ||
	    makedev(maj, min) != dev ||
	    (type = strstr(line, " - ")) == NULL)
		return false;
	type += 3;
	return strncmp(type, "ext4 ", 5) == 0 ||
	    strncmp(type, "ext3 ", 5) == 0;
}

static bool
dev_is_ordered(dev_t dev)
{
	char	 line[4096];
	FILE	*f;
	bool	 found = false;

	if ((f = fopen(MOUNTS, "re")) == NULL)
		return false;		/* then both, always right */
	while (!found && fgets(line, sizeof(line), f) != NULL)
		found = line_says_ordered(line, dev);
	fclose(f);
	return found;
}

/* Asked for every message: so the last answer is kept. */
bool
journal_is_ordered(int fd)
{
	static dev_t	 known;
	static bool	 answer, asked;
	struct stat	 st;

	if (fstat(fd, &st) == -1)
		return false;
	if (!asked || st.st_dev != known) {
		answer = dev_is_ordered(st.st_dev);
		known = st.st_dev;
		asked = true;
	}
	return answer;
}
