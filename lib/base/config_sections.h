/*
 * The one table of sections: where each stands in merpati.conf and in struct
 * config.  Their keys are in config_keys.h.  What libconfuse has parsed is
 * stored by the two.
 */
#ifndef BASE_CONFIG_SECTIONS_H
#define BASE_CONFIG_SECTIONS_H

#include <stddef.h>

#include "lib/base/buf.h"
#include "lib/base/config.h"

struct cfg_t;			/* libconfuse's */
struct config_found;

/* Say what is wrong with one of several, and finish it. */
typedef void	 config_judge_fn(const struct config_found *, void *one);

struct config_section {
	const char	*in;		/* the one around it; "": top level */
	const char	*name;
	size_t		 offset;	/* in the struct of the one around it:
					 * its struct, or the array of them */
	/*
	 * Where there may be several.  Each has a title, which its struct
	 * begins with (char *).
	 */
	size_t		 size;		/* of a struct, 0: there is one */
	size_t		 count;		/* offset of their number, size_t */
	config_judge_fn	*judge;
	enum config_role role;		/* of a listen that says none */
};

extern const struct config_section	 config_sections[];
extern const size_t			 config_nsections;

/* NULL: none of that name may stand there. */
const struct config_section	*config_section_find(const char *in,
				    const char *name);

/* Where errors are, and where they go: lines "FILE:LINE: reason". */
struct config_source {
	const char	*file;
	struct buf	*err;
	struct cfg_t	*top;
};

/* One of several. */
struct config_found {
	const struct config_source	*src;
	const struct config_section	*section;
	struct cfg_t			*cfg;
	const void			*first;	/* of them, in their order */
	int				 line;
};

/*
 * Every key of the section ("": of the file) into its struct, the value or
 * the default, and every section in it.
 */
void	 config_store(const struct config_source *, struct cfg_t *,
	    const char *section, void *base);
/* All that was stored. */
void	 config_free_section(const char *section, void *base);

#endif
