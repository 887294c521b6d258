/*
 * What libconfuse has parsed, stored in struct config: a section by the table
 * of keys, and the sections of which there may be several.  For config.c.
 */
#ifndef BASE_CONFIG_SECTIONS_H
#define BASE_CONFIG_SECTIONS_H

#include <confuse.h>

#include "lib/base/buf.h"
#include "lib/base/config.h"

/* Where errors are, and where they go: lines "FILE:LINE: reason". */
struct config_source {
	const char	*file;
	struct buf	*err;
};

/* Every key of the section into its struct, the value or the default. */
void	 config_store(cfg_t *, const char *section, void *base);
/* role: what is spoken when the file does not say. */
void	 config_store_listen(const struct config_source *, cfg_t *top,
	    const char *section, enum config_role, struct config_listeners *);
void	 config_store_routes(const struct config_source *, cfg_t *top,
	    struct config *);
void	 config_store_stubs(const struct config_source *, cfg_t *resolver,
	    struct config_resolver *);
void	 config_store_certificates(const struct config_source *, cfg_t *top,
	    struct config *);

void	 config_free_section(const char *section, void *base);
void	 config_free_listen(struct config_listeners *);
void	 config_free_routes(struct config *);
void	 config_free_stubs(struct config_resolver *);
void	 config_free_certificates(struct config *);

#endif
