// Each picture stands in the page once; the link that saves it takes it from there.
for (const link of document.querySelectorAll("a[download][href^='#']"))
  link.href = document.querySelector(link.getAttribute("href")).src;
