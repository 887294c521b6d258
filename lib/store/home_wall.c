/* Contract in home_wall.h. */
#include <errno.h>
#include <fcntl.h>

#include "lib/base/io.h"
#include "lib/base/log.h"
#include "lib/base/wall.h"
#include "lib/store/home_wall.h"

void
home_wall(const char *home)
{
	const int	 flags = O_PATH | O_DIRECTORY | O_CLOEXEC;
	int		 dirs[2];

	if (wall_level() == 0)
		return;
	if ((dirs[0] = open(home, flags)) == -1 &&
	    (errno == ENOENT || errno == ENOTDIR || errno == EACCES))
		return;
	dirs[1] = dirs[0] == -1 ? -1 : openat(dirs[0], "Maildir", flags);
	if (dirs[0] == -1 || wall_into(dirs, 2) == -1)
		fatal("event=wall-failed home=%s", log_esc(home));
	io_close(dirs[1]);
	io_close(dirs[0]);
}
