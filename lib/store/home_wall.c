/* Contract in home_wall.h. */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>

#include "lib/base/io.h"
#include "lib/base/log.h"
#include "lib/base/wall.h"
#include "lib/base/xmalloc.h"
#include "lib/store/home_wall.h"

void
home_wall(const char *home)
{
	struct wall	 wall = { .n = 0 };
	char		*maildir;
	int		 fd;

	if ((fd = open(home, O_PATH | O_DIRECTORY | O_CLOEXEC)) == -1) {
		if (errno == ENOENT || errno == ENOTDIR || errno == EACCES)
			return;
		fatal("event=wall-failed home=%s", log_esc(home));
	}
	io_close(fd);
	xasprintf(&maildir, "%s/Maildir", home);
	wall_let(&wall, home, WALL_CHANGE);
	wall_let(&wall, maildir, WALL_CHANGE);
	if (wall_raise(&wall) == -1)
		fatal("event=wall-failed home=%s", log_esc(home));
	free(maildir);
}
