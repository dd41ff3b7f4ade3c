/** Pages for people, as small as a client that looks for their words needs them. */
export function page(title: string, body: string): string {
  return `<!DOCTYPE html>\n<html><head><meta charset="utf-8"><title>${escapeHtml(title)}</title></head><body>\n${body}\n</body></html>\n`
}

/** The place where upload nodes put their refusals (wire.md §6.2). */
export function uploadRefusalPage(message: string): string {
  return page('1fichier.com', `<div class="bloc2"></div>\n<div class="bloc2">${escapeHtml(message)}</div>`)
}

export function maintenancePage(): string {
  return page('Maintenance', '<p>Our services are in maintenance. Please come back later.</p>')
}

export function lockedPage(message: string): string {
  return page('1fichier.com', `<h1>${escapeHtml(message)}</h1>\n<p>Will be unlocked within 1h.</p>`)
}

export function waitPage(): string {
  return page('1fichier.com', '<p>Veuillez patienter / Please wait</p>')
}

export function expiredLinkPage(): string {
  return page('1fichier.com', '<div class="bloc2">This download link has expired or is invalid.</div>')
}

export function notFoundPage(): string {
  return page('1fichier.com', '<div class="bloc2">The requested file could not be found.</div>')
}

export function unexpectedPage(): string {
  return page('1fichier.com', '<h1>Software error</h1>\n<p>Can&#39;t connect DB</p>')
}

export function escapeHtml(text: string): string {
  return text.replace(/[&<>"']/g, (character) => `&#${character.charCodeAt(0)};`)
}
